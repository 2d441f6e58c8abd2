//! Door 2: what a file must be before anything answers from it.
//!
//! `HEDGEROW_REGENERATE=1 cargo test --test artifact` writes the golden files anew; they change only with the format's version.

#![allow(clippy::unwrap_used, clippy::panic)]

mod memory;
mod sample;

use hedgerow::artifact::container::{self, Container, MAX_FILE, MAX_HEADER, SIGNATURE};
use hedgerow::artifact::header::Header;
use hedgerow::artifact::{Artifact, FORMAT};
use hedgerow::engine::{Engine, Options};
use hedgerow::error::ErrorKind;
use hedgerow::model::Model;
use hedgerow::wire;
use proptest::prelude::*;
use sample::{everything, file, small};
use std::path::PathBuf;

fn refusal(file: &[u8]) -> String {
    let e = Artifact::read(file).expect_err("the file is refused");
    assert!(matches!(e.kind(), ErrorKind::Artifact | ErrorKind::Schema), "{e:?}");
    let message = e.to_string();
    assert!(message.len() < 500, "{message}");
    message
}

/// A file whose digest is right whatever else it says.
fn redigested(mut file: Vec<u8>) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let digest = Sha256::new().chain_update(&file[..24]).chain_update(&file[56..]).finalize();
    file[24..56].copy_from_slice(&digest);
    file
}

/// A sound container around this body.
fn around(body: &[u8]) -> Vec<u8> {
    container::seal(b"{}", body).unwrap()
}

/// Whatever a file says: it is refused, or it answers with probabilities; and reading it stays within its bound of memory.
fn is_refused_or_answers(file: &[u8]) -> bool {
    let (read, peak) = memory::peak(|| Artifact::read(file));
    let bound = 3 * wire::budget(file.len());
    assert!(peak <= bound, "a file of {} bytes took {peak} of {bound}", file.len());
    let Ok(artifact) = read else { return false };
    let _ = artifact.replay();
    let mut work = artifact.work();
    for fill in [f64::NAN, 0.0, 1.0, -1e308] {
        let n_fields = artifact.schema.fields.len();
        work.slots[..n_fields].fill(fill);
        artifact.pipeline.derive(&mut work.slots, 1e9);
        artifact.predict(&mut work);
        let sum: f64 = work.probability.iter().sum();
        let sound = work.probability.iter().all(|p| (0.0..=1.0).contains(p)) && (sum - 1.0).abs() < 1e-6;
        assert!(sound, "{fill}: {:?}", work.probability);
    }
    true
}

#[test]
fn what_is_written_is_read() {
    for artifact in [small(), everything(2), everything(3)] {
        let file = file(&artifact);
        let back = Artifact::read(&file).unwrap();
        assert_eq!(wire::encode(&back).unwrap(), wire::encode(&artifact).unwrap());
        back.replay().unwrap();
        assert_eq!(file, sample::file(&back), "the same content is the same file");
    }
}

#[test]
fn the_header_says_what_the_body_is() {
    for artifact in [small(), everything(3)] {
        let mut said = Header::of(&artifact);
        said.metrics.insert("roc_auc".into(), 0.1.into());
        said.training.insert("rows".into(), 100.into());
        said.model.insert("trees".into(), 7.into());
        let file = artifact.write(&said.to_bytes().unwrap()).unwrap();
        let read = Header::read(&file).unwrap();
        assert_eq!(read, said);
        let of_body = Header::of(&Artifact::read(&file).unwrap());
        for (key, value) in &of_body.model {
            assert_eq!(&read.model[key], value);
        }
        assert_eq!(Header { metrics: read.metrics, training: read.training, model: read.model, ..of_body }, said);
    }
    let text = String::from_utf8(Header::of(&everything(3)).to_bytes().unwrap()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    let all = "format name version classes schema derived model metrics training tool_version";
    assert_eq!(keys, all.split(' ').collect::<Vec<_>>());
    let fields = &json["schema"]["fields"];
    assert_eq!(
        fields[1],
        serde_json::json!({"name": "rate", "kind": "number", "required": true, "min": 0.0, "max": 1.0})
    );
    let region = serde_json::json!(
        {"name": "region", "kind": "category", "required": false, "levels": ["eu", "us", "asia"], "unknown": "admit"}
    );
    assert_eq!(fields[2], region);
    assert_eq!(json["model"]["type"], "stacking");
}

#[test]
fn every_flipped_bit_is_refused() {
    let sound = file(&small());
    let mut bad = sound.clone();
    for i in 0..sound.len() {
        for bit in 0..8 {
            bad[i] ^= 1 << bit;
            let message = refusal(&bad);
            assert!(i < 24 || message.contains("was changed"), "byte {i}, bit {bit}: {message}");
            bad[i] = sound[i];
        }
    }
}

#[test]
fn every_cut_and_every_tail_is_refused() {
    let sound = file(&small());
    for len in 0..sound.len() {
        let message = refusal(&sound[..len]);
        let expected = if len == 0 { "the file is empty" } else { "the file is cut short" };
        assert!(message.contains(expected), "{len}: {message}");
    }
    let message = refusal(&sound[..100]);
    assert_eq!(message, format!("the file is cut short: it has 100 of {} bytes", sound.len()));
    for tail in [1, 2, 100, 100_000] {
        let message = refusal(&[&sound[..], &vec![0; tail]].concat());
        assert!(message.contains(&format!("{tail} bytes after its end")), "{message}");
    }
}

#[test]
fn every_forged_length_is_refused() {
    let sound = file(&small());
    let put = |at: usize, bytes: &[u8]| {
        let mut file = sound.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        redigested(file)
    };
    let header = u32::from_le_bytes(sound[12..16].try_into().unwrap());
    let body = u64::from_le_bytes(sound[16..24].try_into().unwrap());
    for forged in [0, 1, header - 1, header + 1, 1 << 22, (1 << 22) + 1, u32::MAX] {
        refusal(&put(12, &forged.to_le_bytes()));
    }
    for forged in [0, 1, body - 1, body + 1, 1 << 28, 1 << 40, u64::MAX - 55, u64::MAX] {
        refusal(&put(16, &forged.to_le_bytes()));
    }
    assert!(refusal(&put(12, &u32::MAX.to_le_bytes())).contains(&format!("at most {MAX_HEADER}")));
    assert!(refusal(&put(16, &u64::MAX.to_le_bytes())).contains(&format!("at most {MAX_FILE}")));
    // Lengths that add up, with the border between header and body moved: the body no longer is one.
    for forged in 0..header + body as u32 {
        let mut file = put(12, &forged.to_le_bytes());
        file[16..24].copy_from_slice(&(u64::from(header - forged.min(header)) + body).to_le_bytes());
        if forged > header {
            file[16..24].copy_from_slice(&(body - u64::from(forged - header)).to_le_bytes());
        }
        if forged != header {
            let message = refusal(&redigested(file));
            assert!(message.starts_with("the body cannot be read") || message.contains("must be"), "{message}");
        }
    }
}

#[test]
fn what_is_no_artifact_is_told_apart() {
    let sound = file(&small());
    let mut seven_bits = sound.clone();
    seven_bits.iter_mut().for_each(|b| *b &= 0x7f);
    let mut newer = sound.clone();
    newer[10] = 2;
    let mut zero = sound.clone();
    zero[10] = 0;
    let line_ends = String::from_utf8_lossy(&sound).replace("\r\n", "\n").into_bytes();
    let as_text = String::from_utf8_lossy(&sound).into_owned().into_bytes();
    for (file, expected) in [
        (vec![], "the file is empty"),
        (b"<!DOCTYPE html><html>".to_vec(), "looks like a web page"),
        (b"\n {\"error\": 1}".to_vec(), "looks like JSON"),
        (b"PK\x03\x04".to_vec(), "does not start with the signature"),
        (b"a,b\n1,2\n".to_vec(), "does not start with the signature"),
        (seven_bits, "changed on the way"),
        (line_ends, "changed on the way"),
        (as_text, "changed on the way"),
        (SIGNATURE[..4].to_vec(), "cut short"),
        (SIGNATURE.to_vec(), "cut short"),
        (redigested(newer), "is of format 2, this hedgerow reads format 1; a newer hedgerow reads it"),
        (redigested(zero), "is of format 0"),
        (around(b""), "it ends within a value"),
        (around(&[0; 40]), "bytes are left over"),
    ] {
        let message = refusal(&file);
        assert!(message.contains(expected), "{message}");
    }
    let tail = [&wire::encode(&small()).unwrap()[..], &[0]].concat();
    assert_eq!(refusal(&around(&tail)), "the body cannot be read: bytes are left over after the last value");
}

#[test]
fn a_body_that_contradicts_itself_is_refused() {
    type Change = fn(&mut Artifact);
    let cases: [(Change, &str); 18] = [
        (|a| a.name = "Größe".into(), "name must be"),
        (|a| a.name = String::new(), "name must be"),
        (|a| a.version = "1 0".into(), "version must be"),
        (|a| a.classes.truncate(1), "2 to 4096 classes, this one has 1"),
        (|a| a.classes[1] = "no".into(), "the class label `no` is there twice"),
        (|a| a.classes[1] = String::new(), "a class label has 1 to"),
        (|a| a.classes.push("more".into()), "there are 3 class labels, the model tells 2 classes apart"),
        (|a| a.schema.fields[1].name = "a".into(), "in the schema"),
        (|a| a.schema.fields[0].required = false, "in the model"),
        (|a| a.pipeline.encoders.0[0].slot = 2, "in the pipeline"),
        (|a| a.pipeline.encoders.0.truncate(1), "in the model"),
        (
            |a| {
                if let Model::Logistic(m) = &mut a.model {
                    m.coef.data[0] = f64::INFINITY;
                }
            },
            "in the model",
        ),
        (|a| a.profile.slots.truncate(1), "in the profile"),
        (|a| a.profile.slots[0].bins[0] += 1, "in the profile: slot 0"),
        (|a| a.profile.slots[0].edges.reverse(), "in the profile: slot 0"),
        (|a| a.profile.predicted[0] = u64::MAX, "in the profile"),
        (|a| a.witnesses[2].x.truncate(1), "witness 2 has another shape"),
        (|a| a.witnesses[0].as_of = f64::NAN, "witness 0"),
    ];
    for (i, (change, expected)) in cases.into_iter().enumerate() {
        let mut artifact = small();
        change(&mut artifact);
        let message = refusal(&around(&wire::encode(&artifact).unwrap()));
        assert!(message.contains(expected), "case {i}: {message}");
        let written = artifact.write(b"{}").expect_err("what would not be read is not written");
        assert_eq!(written.to_string(), message, "case {i}");
    }
    let mut artifact = small();
    artifact.witnesses = vec![artifact.witnesses[0].clone(); 65];
    assert!(refusal(&around(&wire::encode(&artifact).unwrap())).contains("at most 64 witnesses"));
    let huge = small().write(&vec![b' '; MAX_HEADER as usize + 1]).unwrap_err();
    assert!(huge.to_string().contains("the header would have"), "{huge}");
}

#[test]
fn an_answer_that_differs_in_one_bit_is_named() {
    let load = |a: &Artifact| match Engine::load(&file(a), Options::default()) {
        Ok(_) => panic!("it loads"),
        Err(e) => e.to_string(),
    };
    let mut artifact = small();
    artifact.witnesses[1].x[1] ^= 1;
    let message = load(&artifact);
    assert!(
        message.starts_with("witness 1: column 1 of x (from `b`) has the bits 4008000000000000 here and"),
        "{message}"
    );
    let mut artifact = small();
    artifact.witnesses[2].probability[0] ^= 1;
    let message = load(&artifact);
    assert!(message.starts_with("witness 2: the probability of `no` has the bits"), "{message}");
    let mut artifact = small();
    artifact.witnesses[0].record[0] = Some("many".into());
    let message = load(&artifact);
    assert!(message.starts_with("witness 0: the schema refuses its record: `a`"), "{message}");
}

#[test]
fn forged_numbers_within_a_body_are_refused_or_answer() {
    // 0 and 250: small numbers, tags, counts. 253: the mark of a longer number, made of the bytes that follow.
    let (mut refused, mut answered) = (0, 0);
    for artifact in [small(), everything(3)] {
        let sound = wire::encode(&artifact).unwrap();
        let mut body = sound.clone();
        for i in 0..body.len() {
            for value in [0, 250, 253] {
                body[i] = value;
                match is_refused_or_answers(&around(&body)) {
                    true => answered += 1,
                    false => refused += 1,
                }
            }
            body[i] = sound[i];
        }
    }
    assert!(refused > 10_000 && answered > 10_000, "{refused} refused, {answered} answered");
}

#[test]
fn forged_lengths_within_a_body_are_refused() {
    // Each byte in turn becomes a length of many gigabytes, or one just beyond what is there.
    for artifact in [small(), everything(3)] {
        let sound = wire::encode(&artifact).unwrap();
        for i in 0..sound.len() {
            for length in [1u64 << 20, 1 << 30, 1 << 60, u64::MAX] {
                let mut body = sound[..i].to_vec();
                body.push(253);
                body.extend(length.to_le_bytes());
                body.extend(&sound[i + 1..]);
                is_refused_or_answers(&around(&body));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutated_bodies_are_refused_or_answer(
        which in 0usize..3,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..6),
    ) {
        use std::sync::OnceLock;
        static BODIES: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
        let bodies = BODIES.get_or_init(|| [small(), everything(2), everything(3)].map(|a| wire::encode(&a).unwrap()));
        let mut body = bodies[which].clone();
        for (at, byte, how) in edits {
            let i = at.index(body.len());
            match how {
                0 => body[i] = byte,
                1 => body[i] ^= 1 << (byte % 8),
                2 => body.insert(i, byte),
                _ => { body.remove(i); }
            }
        }
        is_refused_or_answers(&around(&body));
    }

    #[test]
    fn bytes_of_any_kind_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!is_refused_or_answers(&bytes));
        is_refused_or_answers(&around(&bytes));
    }
}

/// Files of format 1: one of everything, with 3 classes and with 2.
#[test]
fn the_golden_files_load_and_answer_with_the_same_bits() {
    for (name, n_classes) in [("format-1.hedge", 3), ("format-1-two-classes.hedge", 2)] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        if std::env::var_os("HEDGEROW_REGENERATE").is_some() {
            std::fs::write(&path, file(&everything(n_classes))).unwrap();
        }
        let golden = std::fs::read(&path).unwrap();
        let container = Container::open(&golden).unwrap();
        let artifact = Artifact::open(&container).unwrap();
        assert_eq!((artifact.classes.len(), artifact.witnesses.len()), (n_classes, 8));
        artifact.replay().unwrap();
        assert_eq!(wire::encode(&artifact).unwrap(), container.body, "it would be written as it is");
        let header = Header::read(&golden).unwrap();
        assert_eq!(header.format, FORMAT);
        assert_eq!(header, Header { tool_version: header.tool_version.clone(), ..Header::of(&artifact) });
    }
}

/// What takes the most memory for its bytes: a list of flags with the shortest names there are.
#[test]
fn a_wide_schema_stays_within_the_budget_of_decoding() {
    use hedgerow::schema::{Field, FieldKind, Schema};
    let flag = |i: u8| Field { name: char::from(b' ' + i).into(), kind: FieldKind::Flag, required: false };
    let schema = Schema { fields: (0..90).map(flag).cycle().take(60_000).collect(), ..Schema::default() };
    let bytes = wire::encode(&schema).unwrap();
    let (back, peak) = memory::peak(|| wire::decode::<Schema>(&bytes).unwrap());
    assert_eq!(back, schema);
    let ratio = peak / bytes.len();
    assert!((20..64).contains(&ratio), "{ratio}");
}
