//! The engine: answers, what it keeps, counts and says of itself, and what it does without.

#![allow(clippy::unwrap_used, clippy::panic)]

mod sample;

use hedgerow::artifact::Artifact;
use hedgerow::engine::{Answer, Engine, MAX_BATCH, Options, Prediction};
use hedgerow::error::ErrorKind;
use hedgerow::math;
use hedgerow::schema::{Cell, Field, RawRecord, Record, Schema};
use sample::{everything, file, records, small};
use serde_json::json;

/// The allocator, counting this thread's allocations.
mod memory {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;

    thread_local! {
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }

    struct Counting;

    // SAFETY: every call is the system allocator's; the counter beside it is a plain cell.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            COUNT.with(|count| count.set(count.get() + 1));
            // SAFETY: as the caller promises.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
            // SAFETY: as the caller promises.
            unsafe { System.dealloc(at, layout) }
        }
    }

    #[global_allocator]
    static COUNTING: Counting = Counting;

    pub fn allocations(work: impl FnOnce()) -> u64 {
        let before = COUNT.with(Cell::get);
        work();
        COUNT.with(Cell::get) - before
    }
}

const NOW: f64 = 1_767_323_045.678;

/// Two numbers, typed.
struct Numbers(f64, f64);

impl Record for Numbers {
    fn cell(&self, i: usize, _: &Field) -> Cell<'_> {
        Cell::Number(if i == 0 { self.0 } else { self.1 })
    }

    fn extra(&self, _: &Schema) -> Vec<String> {
        Vec::new()
    }
}

fn load(artifact: &Artifact) -> Engine {
    Engine::load(&file(artifact), Options::default()).unwrap()
}

fn sound(answer: Answer<'_>) -> Prediction<'static> {
    match answer.into_owned() {
        Answer::Prediction(p) => p,
        Answer::Rejected(violations) => panic!("{violations:?}"),
    }
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn an_answer_has_all_that_it_should() {
    let mut engine = load(&small());
    let p = sound(engine.predict(&Numbers(0.5, 1.0), None, NOW).unwrap());
    // x = ((0.5 - 1) / 2, 1); the score is 0.25 + 1.5 * -0.25 - 0.5 * 1 = -0.625.
    let expected = math::sigmoid(-0.625);
    assert_eq!(bits(&p.probability), bits(&[1.0 - expected, expected]));
    assert_eq!((p.class_index, p.confidence), (0, 1.0 - expected));
    assert_eq!((p.as_of, p.timestamp, p.cached), (NOW, NOW, false));
    assert_eq!(engine.artifact().classes[p.class_index], "no");
    assert_eq!(engine.id().len(), 64);
    let p = sound(engine.predict(&Numbers(4.0, f64::NAN), Some(12.345_678), NOW).unwrap());
    assert_eq!((p.class_index, p.as_of, p.timestamp), (1, 12.346, NOW), "times are taken to the millisecond");
}

#[test]
fn the_first_of_equal_classes_is_predicted() {
    let mut artifact = small();
    artifact.witnesses.clear();
    if let hedgerow::model::Model::Logistic(m) = &mut artifact.model {
        m.coef.data.fill(0.0);
        m.intercept.fill(0.0);
    }
    let p = sound(load(&artifact).predict(&Numbers(1.0, 2.0), None, NOW).unwrap());
    assert_eq!((p.class_index, p.confidence, &p.probability[..]), (0, 0.5, &[0.5, 0.5][..]));
}

#[test]
fn a_threshold_decides_between_two_classes_in_all_ways() {
    let mut artifact = small();
    // What (0.5, 1) gets, to the bit.
    let threshold = math::sigmoid(-0.625);
    artifact.threshold = Some(threshold);
    let rows = [(0.5, 1.0, 1), (0.499_999_9, 1.0, 0), (4.0, 0.0, 1), (-3.0, 0.0, 0)];
    let mut engine = load(&artifact);
    for (a, b, expected) in rows {
        for _ in 0..2 {
            let p = sound(engine.predict(&Numbers(a, b), None, NOW).unwrap());
            assert_eq!((p.class_index, p.threshold), (expected, Some(threshold)));
            assert_eq!(p.confidence, p.probability[expected]);
            let again = engine.predict_row(&[a, b], None, NOW).unwrap();
            assert_eq!((again.class_index, again.threshold), (expected, Some(threshold)));
        }
    }
    let records: Vec<Numbers> = rows.iter().map(|(a, b, _)| Numbers(*a, *b)).collect();
    let records: Vec<&dyn Record> = records.iter().map(|r| r as &dyn Record).collect();
    for (answer, (_, _, expected)) in engine.predict_batch(&records, None, NOW).unwrap().into_iter().zip(rows) {
        let p = sound(answer);
        assert_eq!((p.class_index, p.threshold), (expected, Some(threshold)));
    }
    // Counted as predicted, one by one and by blocks: 4 x 4 and 4.
    assert_eq!(engine.report().predicted.0, [("no".into(), 10), ("yes".into(), 10)]);
    assert_eq!(engine.schema().threshold, Some(threshold));
    assert_eq!(sound(load(&small()).predict(&Numbers(0.5, 1.0), None, NOW).unwrap()).threshold, None);

    for (threshold, n) in [(f64::NAN, 2), (-0.1, 2), (1.1, 2), (f64::INFINITY, 2), (0.5, 3)] {
        let mut artifact = everything(n);
        artifact.threshold = Some(threshold);
        let e = artifact.check().unwrap_err().to_string();
        assert_eq!(e, "a threshold is a probability, 0 to 1, of two classes");
    }
}

#[test]
fn a_time_that_is_none_is_an_error_and_nothing_is_counted() {
    let mut engine = load(&small());
    for (as_of, now, what) in [
        (None, f64::NAN, "the clock's time"),
        (None, f64::INFINITY, "the clock's time"),
        (Some(f64::NAN), NOW, "as_of"),
        (Some(f64::NEG_INFINITY), NOW, "as_of"),
        (Some(1e15), NOW, "as_of"),
        (Some(NOW * 1000.0), NOW, "as_of"),
    ] {
        let e = engine.predict(&Numbers(0.5, 1.0), as_of, now).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Config);
        assert_eq!(e.to_string(), format!("{what} must be a time in the years 1 to 9999, in seconds since 1970 UTC"));
        assert!(engine.predict_row(&[0.5, 1.0], as_of, now).is_err());
    }
    assert_eq!((engine.report().predictions, engine.report().rejections), (0, 0));
}

#[test]
fn a_kept_answer_has_the_same_bits_and_is_kept_for_its_time() {
    let artifact = everything(3);
    let mut engine = load(&artifact);
    let records = records(40);
    let mut first = Vec::new();
    for (record, as_of) in &records {
        first.push(sound(engine.predict(&RawRecord(record), Some(*as_of), NOW).unwrap()));
    }
    assert!(first.iter().all(|p| !p.cached));
    for (again, expected_cached) in [(NOW + 3599.0, true), (NOW + 3600.0, false)] {
        for ((record, as_of), first) in records.iter().zip(&first) {
            let p = sound(engine.predict(&RawRecord(record), Some(*as_of), again).unwrap());
            assert_eq!(p.cached, expected_cached);
            assert_eq!(bits(&p.probability), bits(&first.probability));
            assert_eq!((p.class_index, p.confidence, p.timestamp), (first.class_index, first.confidence, again));
        }
    }
    let cache = engine.report().cache;
    assert_eq!((cache.hits, cache.misses, cache.expired, cache.evictions, cache.entries), (40, 80, 40, 0, 40));
    assert!(cache.bytes > 40 * 8 * 17);
}

#[test]
fn a_feature_of_the_time_is_not_answered_from_another_time() {
    let artifact = everything(3);
    let mut engine = load(&artifact);
    let (record, as_of) = records(1).remove(0);
    let ask = |engine: &mut Engine, at: f64| sound(engine.predict(&RawRecord(&record), Some(at), NOW).unwrap());
    let before = ask(&mut engine, as_of);
    let after = ask(&mut engine, as_of + 86_400.0 * 400.0);
    assert!(!after.cached);
    assert_ne!(bits(&before.probability), bits(&after.probability));
    assert!(ask(&mut engine, as_of).cached);
    // A model without such features does not care.
    let mut engine = load(&small());
    engine.predict(&Numbers(1.0, 2.0), Some(0.0), NOW).unwrap();
    assert!(sound(engine.predict(&Numbers(1.0, 2.0), Some(1e9), NOW).unwrap()).cached);
    assert!(!sound(engine.predict(&Numbers(1.0, f64::from_bits(2.0f64.to_bits() + 1)), None, NOW).unwrap()).cached);
}

#[test]
fn the_cache_can_be_bounded_and_turned_off() {
    let bytes = file(&small());
    let engine = |cache_entries, cache_bytes, cache_ttl| {
        Engine::load(&bytes, Options { cache_entries, cache_bytes, cache_ttl }).unwrap()
    };
    for mut off in [engine(0, 1 << 20, 60.0), engine(10, 0, 60.0), engine(10, 1 << 20, 0.0)] {
        for _ in 0..3 {
            assert!(!sound(off.predict(&Numbers(1.0, 2.0), None, NOW).unwrap()).cached);
        }
        assert_eq!(off.report().cache.hits, 0);
    }
    let mut two = engine(2, 1 << 20, 60.0);
    for i in 0..5 {
        two.predict(&Numbers(f64::from(i), 2.0), None, NOW).unwrap();
    }
    assert_eq!((two.report().cache.entries, two.report().cache.evictions), (2, 3));
    for cache_ttl in [f64::NAN, -1.0] {
        let options = Options { cache_ttl, ..Options::default() };
        let e = Engine::load(&bytes, options).err().unwrap();
        assert_eq!(e.to_string(), "the cache's time to live must be 0 seconds or more");
    }
    let forever = Options { cache_ttl: f64::INFINITY, ..Options::default() };
    assert!(Engine::load(&bytes, forever).is_ok());
}

#[test]
fn a_refused_record_is_an_answer_with_every_reason() {
    let mut engine = load(&everything(3));
    let text = |t: &str| Some(t.to_owned());
    let record = [text("many"), None, text("eu"), text("3"), text("perhaps"), text("2026-02-30")];
    let Answer::Rejected(violations) = engine.predict(&RawRecord(&record), None, NOW).unwrap() else {
        panic!("it is refused")
    };
    let found: Vec<_> = violations.iter().map(|v| (v.field.as_str(), json!(v.code))).collect();
    let expected = [
        ("amount", json!("type")),
        ("rate", json!("missing")),
        ("tier", json!("unknown_level")),
        ("active", json!("type")),
        ("since", json!("type")),
    ];
    assert_eq!(found, expected);
    let report = json!(engine.report());
    assert_eq!(report["rejected"], json!({"type": 3, "missing": 1, "unknown_level": 1}));
    assert_eq!((&report["rejections"], &report["predictions"]), (&json!(1), &json!(0)));
    assert_eq!(report["cache"]["misses"], 0);
    assert!(engine.profile().slots.iter().all(|c| c.n + c.missing == 0), "a refused record is not counted as traffic");
}

#[test]
fn a_fallback_answers_under_its_own_name_and_says_why() {
    let (mut new, old) = (small(), small());
    new.version = "0.2".into();
    let (new, old) = (file(&new), file(&old));
    let mut broken = new.clone();
    broken[100] ^= 1;
    let load = |primary: &[u8], fallback: &[u8]| Engine::load_with_fallback(primary, fallback, Options::default());

    let healthy = load(&new, &old).unwrap();
    assert_eq!(
        json!(healthy.health()),
        json!({"status": "healthy", "model": "small", "model_version": "0.2", "model_id": healthy.id()})
    );
    let degraded = load(&broken, &old).unwrap();
    assert_eq!(
        json!(degraded.health()),
        json!({
            "status": "degraded", "model": "small", "model_version": "0.1", "model_id": degraded.id(),
            "reason": "the primary does not load: the file was changed after it was written: its SHA-256 is not the one it carries",
        })
    );
    assert_ne!(healthy.id(), degraded.id());
    assert_eq!(degraded.report().model_version, "0.1");
    assert_eq!(degraded.schema().version, "0.1");
    let e = load(&broken, &old[..60]).err().unwrap().to_string();
    assert!(e.starts_with("no model loads: the primary: the file was changed"), "{e}");
    assert!(e.contains("; the fallback: the file is cut short: it has 60 of"), "{e}");
    let unreachable = Engine::load(&old, Options::default()).unwrap().degraded("the primary was not found");
    assert_eq!(unreachable.health().reason.as_deref(), Some("the primary was not found"));
}

#[test]
fn a_batch_answers_as_its_records_do() {
    let artifact = everything(2);
    let (mut one, mut all) = (load(&artifact), load(&artifact));
    let text = |t: &str| Some(t.to_owned());
    let bad = vec![None, text("2"), None, None, None, None];
    let mut rows: Vec<_> = records(20).into_iter().map(|(record, _)| record).collect();
    rows.insert(7, bad);
    let raws: Vec<RawRecord<'_>> = rows.iter().map(|r| RawRecord(r)).collect();
    let batch: Vec<&dyn Record> = raws.iter().map(|r| r as &dyn Record).collect();
    let answers = all.predict_batch(&batch, Some(NOW), NOW).unwrap();
    assert_eq!(answers.len(), 21);
    for (record, answer) in batch.iter().zip(&answers) {
        assert_eq!(&one.predict(*record, Some(NOW), NOW).unwrap().into_owned(), answer);
    }
    assert!(matches!(&answers[7], Answer::Rejected(v) if v[0].field == "rate"));
    assert!(all.predict_batch(&[], None, NOW).unwrap().is_empty());
    let e = all.predict_batch(&vec![batch[0]; MAX_BATCH + 1], None, NOW).unwrap_err();
    assert_eq!(e.to_string(), "a batch holds at most 100000 records, this one has 100001");
}

#[test]
fn a_block_answers_as_its_rows_do() {
    let artifact = everything(3);
    let (mut alone, mut blocks) = (load(&artifact), load(&artifact));
    let mut work = artifact.work();
    let fields = artifact.schema.fields.len();
    // Sound rows, and such as no row is: out of range, infinite, no level, missing where that may not be.
    let records = records(600);
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for (i, (record, _)) in records.iter().enumerate() {
        artifact.slots(&RawRecord(record), NOW, &mut work).unwrap();
        let mut row = work.slots[..fields].to_vec();
        match i % 40 {
            3 => row[0] = f64::INFINITY,
            9 => row[1] = f64::NAN,
            14 => row[2] = 99.0,
            20 => row[3] = 0.5,
            27 => row[4] = -1.0,
            33 => row[5] = 1e15,
            _ => {}
        }
        rows.push(row);
    }
    let odd = |i: usize| [3, 9, 14, 20, 27, 33].contains(&(i % 40));
    for (first, rows) in rows.chunks(math::BLOCK).enumerate() {
        for (r, row) in rows.iter().enumerate() {
            let columns = blocks.columns().chunks_exact_mut(math::BLOCK);
            columns.zip(row).for_each(|(column, v)| column[r] = if *v == 0.0 { -0.0 } else { *v });
        }
        let (probability, plain) = blocks.predict_block(rows.len(), Some(NOW), NOW).unwrap();
        for (r, row) in rows.iter().enumerate() {
            let answer: Vec<f64> = probability.chunks_exact(math::BLOCK).map(|column| column[r]).collect();
            assert_eq!(plain[r], !odd(first * math::BLOCK + r), "{row:?}");
            if plain[r] {
                let p = alone.predict_row(row, Some(NOW), NOW).unwrap();
                assert_eq!(bits(&answer), bits(&p.probability), "{row:?}");
            } else {
                assert!(answer.iter().all(|p| p.is_nan()));
            }
        }
    }
    let (a, b) = (alone.report(), blocks.report());
    assert_eq!((a.predictions, &a.predicted, b.rejections), (b.predictions, &b.predicted, 0));
    assert_eq!(a.predictions, 510);
    for (a, b) in alone.profile().slots.iter().zip(&blocks.profile().slots) {
        assert_eq!((&a.bins, a.n, a.missing), (&b.bins, b.n, b.missing));
        assert_eq!((math::bits(a.min), math::bits(a.max)), (math::bits(b.min), math::bits(b.max)));
        assert!((a.mean - b.mean).abs() <= 1e-12 * b.mean.abs() && (a.m2 - b.m2).abs() <= 1e-9 * b.m2);
    }
    let e = blocks.predict_block(math::BLOCK + 1, None, NOW).unwrap_err();
    assert_eq!(e.to_string(), "a block holds at most 256 rows, not 257");
    assert!(blocks.predict_block(1, Some(f64::NAN), NOW).is_err());
    assert!(blocks.predict_block(0, None, NOW).unwrap().1.is_empty());
}

#[test]
fn an_engine_for_another_thread_is_the_same_model_and_counts_for_itself() {
    let mut first = Engine::load(&file(&everything(2)), Options::default()).unwrap().degraded("for a test");
    let (record, as_of) = records(1).remove(0);
    let one = sound(first.predict(&RawRecord(&record), Some(as_of), NOW).unwrap());
    let mut second = first.fork();
    let two = std::thread::spawn(move || {
        let p = sound(second.predict(&RawRecord(&record), Some(as_of), NOW).unwrap());
        (p, second.id().to_owned(), second.health(), second.profile())
    });
    let (two, id, health, profile) = two.join().unwrap();
    assert_eq!((&two, id.as_str(), health), (&one, first.id(), first.health()), "nothing of the first's is remembered");
    let mut both = first.profile();
    both.merge(&profile).unwrap();
    assert_eq!((both.predicted.iter().sum::<u64>(), first.report().predictions), (2, 1));
}

#[test]
fn it_counts_its_traffic_as_the_trainer_counted_its_data() {
    let artifact = everything(3);
    let mut engine = load(&artifact);
    for (record, as_of) in records(100) {
        engine.predict(&RawRecord(&record), Some(as_of), NOW).unwrap();
        engine.predict(&RawRecord(&record), Some(as_of), NOW).unwrap();
    }
    let mut twice = artifact.profile.clone();
    twice.merge(&artifact.profile).unwrap();
    let live = engine.profile();
    assert_eq!((&live.predicted, &live.probability), (&twice.predicted, &twice.probability));
    for (a, b) in live.slots.iter().zip(&twice.slots) {
        assert_eq!((&a.bins, a.n, a.missing), (&b.bins, b.n, b.missing));
        assert_eq!((math::bits(a.min), math::bits(a.max)), (math::bits(b.min), math::bits(b.max)));
        assert!((a.mean - b.mean).abs() <= 1e-12 * b.mean.abs() && (a.m2 - b.m2).abs() <= 1e-9 * b.m2);
    }
    let report = json!(engine.report());
    assert_eq!((&report["predictions"], &report["cache"]["hits"]), (&json!(200), &json!(100)));
    let total: u64 = report["predicted"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(total, 200);
    assert_eq!(report["fields"]["rate"]["count"], 200);
    let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
    let all = "model model_version model_id predictions rejections rejected cache predicted fields";
    assert_eq!(keys, all.split(' ').collect::<Vec<_>>());
}

#[test]
fn it_describes_what_a_form_needs() {
    let engine = load(&everything(3));
    let d = json!(engine.schema());
    let keys: Vec<&String> = d.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["name", "version", "id", "classes", "extra", "fields", "derived"]);
    assert_eq!((&d["classes"], &d["extra"]), (&json!(["no", "yes", "maybe so"]), &json!("ignore")));
    assert_eq!(d["derived"][6]["name"], "choice");
    assert!(d["derived"][6]["expression"].as_str().unwrap().starts_with("CASE WHEN region"));
    let fields = d["fields"].as_array().unwrap();
    assert_eq!(
        fields[2],
        json!({
            "name": "region", "kind": "category", "required": false, "levels": ["eu", "us", "asia"], "unknown": "admit",
            "observed": {"typical": "us", "missing_rate": 0.16, "count": 84},
        })
    );
    let rate = &fields[1]["observed"];
    assert_eq!((&rate["min"], &rate["max"], &rate["missing_rate"]), (&json!(0.0), &json!(1.0), &json!(0.0)));
    let middle = rate["typical"].as_f64().unwrap();
    assert!((middle - rate["mean"].as_f64().unwrap()).abs() < 0.05, "{rate}");
    assert_eq!(fields[4]["observed"]["typical"], true);
    let since = &fields[5]["observed"];
    assert_eq!(
        (&since["min"], &since["max"]),
        (&json!("2018-01-01T00:00:00.000Z"), &json!("2026-12-16T23:17:00.000Z"))
    );
    // What is typical is a record that the model answers.
    struct Typical<'a>(&'a [serde_json::Value]);
    impl Record for Typical<'_> {
        fn cell(&self, i: usize, _: &Field) -> Cell<'_> {
            match &self.0[i]["observed"]["typical"] {
                serde_json::Value::String(text) => Cell::Text(text.into()),
                serde_json::Value::Bool(flag) => Cell::Flag(*flag),
                other => Cell::Number(other.as_f64().unwrap()),
            }
        }

        fn extra(&self, _: &Schema) -> Vec<String> {
            Vec::new()
        }
    }
    sound(load(&everything(3)).predict(&Typical(fields), None, NOW).unwrap());
}

#[test]
fn extreme_records_get_probabilities() {
    for n_classes in [2, 3] {
        let mut engine = load(&everything(n_classes));
        for amount in ["1e308", "-1e308", "5e-324", "1e999", "", "-0"] {
            for since in ["0001-01-01", "9999-12-31T23:59:59.999Z", ""] {
                let text = |t: &str| Some(t.to_owned());
                let record = [text(amount), text("1"), text("somewhere"), None, None, text(since)];
                for as_of in [-62_135_596_800.0, 0.0, 253_402_300_799.999] {
                    let p = sound(engine.predict(&RawRecord(&record), Some(as_of), NOW).unwrap());
                    assert!(p.probability.iter().all(|p| (0.0..=1.0).contains(p)), "{p:?}");
                    assert!((p.probability.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{p:?}");
                }
            }
        }
        assert!(json!(engine.report())["fields"]["amount"]["mean"].is_number());
    }
}

#[test]
fn a_sound_record_allocates_nothing() {
    let mut engine = Engine::load(&file(&small()), Options { cache_entries: 50, ..Options::default() }).unwrap();
    let ask = |engine: &mut Engine, i: u32| {
        sound_in_place(engine.predict(&Numbers(f64::from(i % 80), 1.0), None, NOW + f64::from(i)).unwrap());
    };
    (0..60).for_each(|i| ask(&mut engine, i));
    assert_eq!(memory::allocations(|| (0..5000).for_each(|i| ask(&mut engine, i * 7))), 0);
    let cache = engine.report().cache;
    assert!(cache.evictions > 100 && cache.hits + cache.misses == 5060, "{cache:?}");
}

fn sound_in_place(answer: Answer<'_>) {
    assert!(matches!(answer, Answer::Prediction(p) if p.probability.len() == 2));
}
