//! Drives the built `hedgerow`: what it prints, where to, and how it exits.
//!
//! The cases are files in `tests/cli`: `*.trycmd` holds commands with what they print and their exit code, `*.toml` one command with files
//! for standard input, output and error. `TRYCMD=overwrite cargo test --test cli` accepts what is printed now. What no such file
//! can show (pipes that close, interrupts, files left behind) is below.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const MODEL: &str = "tests/golden/format-1-two-classes.hedge";

#[test]
fn cases() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd").case("tests/cli/*.toml");
}

fn hedgerow() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hedgerow"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn run(args: &[&str]) -> Output {
    hedgerow().args(args).output().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Records of the golden model, with numbers that differ.
fn records(n: usize) -> String {
    let mut csv = "amount,rate,region,tier,active,since\n".to_string();
    (0..n).for_each(|i| csv += &format!("{i},{},eu,2,true,2024-05-06\n", (i % 100) as f64 / 100.0));
    csv
}

#[test]
fn a_reader_that_hangs_up_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let data = written(folder.path(), "data.csv", &records(20_000));
    let mut child = hedgerow()
        .args(["predict", MODEL, data.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    // Dropped after one line: the pipe closes while nearly all is still to be written.
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "prediction,probability_no,probability_yes\n");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn standard_output_gets_the_bytes_a_file_gets() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.csv");
    let kept = "\x1b[31mred\x0b\x7f";
    fs::write(&data, records(1).replace("amount", "note,amount").replace("\n0,", &format!("\n\"{kept}\",0,"))).unwrap();
    let (data, file) = (data.to_str().unwrap(), folder.path().join("answers.csv"));
    let printed = run(&["predict", MODEL, data, "--keep", "note"]).stdout;
    let wrote = run(&["predict", MODEL, data, "--keep", "note", "--out", file.to_str().unwrap()]);
    assert_eq!(wrote.status.code(), Some(0), "{}", String::from_utf8_lossy(&wrote.stderr));
    assert_eq!(printed, fs::read(&file).unwrap());
    assert!(String::from_utf8(printed).unwrap().contains(kept));

    let tabs = folder.path().join("answers.tsv");
    run(&["predict", MODEL, data, "--out", tabs.to_str().unwrap()]);
    assert!(fs::read_to_string(&tabs).unwrap().starts_with("prediction\tprobability_no\tprobability_yes\n"));
}

#[test]
fn answers_come_while_records_still_do() {
    let mut child = hedgerow().args(["predict", MODEL]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (seen, wait) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        stdin.write_all(records(20_000).as_bytes()).unwrap();
        // The input stays open until answers were seen: they were not held back for its end.
        wait.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
    });
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(answers.by_ref().take(100).filter(Result::is_ok).count(), 100);
    seen.send(()).unwrap();
    assert_eq!(answers.count(), 20_001 - 100);
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_record_is_answered_before_the_next_one_comes() {
    for threads in ["1", "2"] {
        let args = ["predict", MODEL, "--format", "csv", "--threads", threads];
        let mut child = hedgerow().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let text = records(5);
        let mut lines = text.lines();
        writeln!(stdin, "{}", lines.next().unwrap()).unwrap();
        for line in lines {
            writeln!(stdin, "{line}").unwrap();
            let answer = answers.next().unwrap().unwrap();
            // The header of the answers comes with the first of them.
            if answer.starts_with("prediction") {
                answers.next().unwrap().unwrap();
            }
        }
        drop(stdin);
        assert!(answers.next().is_none() && child.wait().unwrap().success());
    }
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    // Refused ones far apart, and in the end a line that is none.
    let mut text = String::new();
    for (i, line) in records(30_000).lines().enumerate() {
        text.push_str(&if i % 3000 == 2999 {
            line.replacen(|c: char| c.is_ascii_digit(), "x", 99)
        } else {
            line.into()
        });
        text.push('\n');
    }
    let sound = written(folder.path(), "sound.csv", &text);
    let broken = written(folder.path(), "broken.csv", &(text + "1,2\n"));
    for (data, code) in [(&sound, 1), (&broken, 2)] {
        let of =
            |threads| run(&["predict", MODEL, data.to_str().unwrap(), "--as-of", "2026-01-01", "--threads", threads]);
        let one = of("1");
        assert_eq!(one.status.code(), Some(code));
        assert!(one.stdout.len() > 30_000 && !one.stderr.is_empty());
        for threads in ["2", "5"] {
            let more = of(threads);
            assert_eq!(more.status.code(), Some(code));
            assert!(more.stdout == one.stdout, "{threads} threads");
            assert_eq!(String::from_utf8_lossy(&more.stderr), String::from_utf8_lossy(&one.stderr));
        }
    }
}

#[test]
fn a_failed_run_leaves_no_file_and_the_old_one_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = written(folder.path(), "data.csv", &(records(2000) + "1,2\n"));
    let out = written(folder.path(), "out.csv", "old");
    let output = run(&["predict", MODEL, data.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("line 2002") && said.contains("2 cells"), "{said}");
    assert_eq!(names(folder.path()), ["data.csv", "out.csv"]);
    assert_eq!(fs::read_to_string(out).unwrap(), "old");
}

#[test]
#[cfg(unix)]
fn an_interrupt_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.csv");
    let mut child = hedgerow()
        .args(["predict", MODEL, "--out", out.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(records(100).as_bytes()).unwrap();
    // The temporary file shows that it is at work; the input stays open.
    while names(folder.path()).is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was interrupted");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[test]
#[cfg(unix)]
fn links_are_followed_and_devices_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let real = written(folder.path(), "real.d.ts", "old");
    let link = folder.path().join("link.d.ts");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    assert!(run(&["types", MODEL, "--out", link.to_str().unwrap()]).status.success());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("export interface Input"));
    assert!(run(&["types", MODEL, "--out", "/dev/null"]).status.success());
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let output = run(&["types", MODEL, "--out", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("is a folder"));
}

#[test]
fn csv_and_json_lines_give_the_same_probabilities() {
    let folder = tempfile::tempdir().unwrap();
    let csv = written(folder.path(), "data.csv", &records(200));
    let json: String = (0..200)
        .map(|i| {
            let rate = (i % 100) as f64 / 100.0;
            let record = serde_json::json!({
                "amount": i, "rate": rate, "region": "eu", "tier": "2", "active": true, "since": "2024-05-06",
            });
            format!("{record}\n")
        })
        .collect();
    let json = written(folder.path(), "data.jsonl", &json);
    let at = ["--as-of", "2026-01-01"];
    let answers = |data: &Path, format: &str| {
        let mut args = vec!["predict", MODEL, data.to_str().unwrap(), "--format", format];
        args.extend(at);
        let output = run(&args);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(answers(&csv, "csv"), answers(&json, "csv"));
    let of_csv: Vec<String> = answers(&csv, "csv").lines().skip(1).map(str::to_owned).collect();
    for (line, cells) in answers(&json, "jsonl").lines().zip(&of_csv) {
        let answer: serde_json::Value = serde_json::from_str(line).unwrap();
        let cells: Vec<&str> = cells.split(',').collect();
        assert_eq!(answer["prediction"], cells[0]);
        for (label, cell) in ["no", "yes"].iter().zip(&cells[1..]) {
            let (a, b) = (answer["probability"][label].as_f64().unwrap(), cell.parse::<f64>().unwrap());
            assert_eq!(a.to_bits(), b.to_bits());
        }
    }
}

#[test]
fn every_shell_has_a_completion_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completions", shell]);
        assert!(output.status.success());
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains("as-of-column"), "{shell}");
    }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let card = |env: &[(&str, &str)]| {
        let mut command = hedgerow();
        command.env_remove("NO_COLOR").args(["inspect", MODEL]).envs(env.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(!card(&[]).contains('\x1b'), "a pipe is no terminal");
    assert!(card(&[("CLICOLOR_FORCE", "1")]).contains('\x1b'));
    assert!(!card(&[("NO_COLOR", "1")]).contains('\x1b'));
}

#[test]
fn the_same_seed_gives_the_same_file_and_the_config_the_same_as_the_flags() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    assert!(run(&["sample", "innovation", "--rows", "300", "--seed", "3", "--out", &at("rows.csv")]).status.success());
    written(
        folder.path(),
        "model.yaml",
        "model: { name: rows, version: 2.0.0, type: random_forest, parameters: { n_estimators: 5 } }\n\
         data: { train_path: rows.csv, target: outcome, as_of_column: scored_at }\nseed: 9\n",
    );
    let train = |args: &[&str], out: &str| {
        let output = run(&[&["train", "--no-report", "--out", &at(out)], args].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read(at(out)).unwrap()
    };
    let (data, config) = (at("rows.csv"), at("model.yaml"));
    let flags = [
        data.as_str(),
        "--target",
        "outcome",
        "--as-of-column",
        "scored_at",
        "--version",
        "2.0.0",
        "--seed",
        "9",
        "--model",
        "random_forest",
        "--set",
        "n_estimators=5",
        "--name",
        "rows",
    ];
    let first = train(&flags, "a.hedge");
    assert!(first == train(&flags, "b.hedge"), "the same again");
    assert!(first == train(&["--config", &config], "c.hedge"), "from a config");
    let other = [&flags[..], &["--seed", "10"]].concat();
    let twice = run(&[&["train", "--no-report", "--out", &at("d.hedge")], &other[..]].concat());
    assert_eq!(twice.status.code(), Some(2), "one option twice");
    assert!(first != train(&["--config", &config, "--seed", "10"], "d.hedge"), "another seed");
    assert_eq!(names(folder.path()), ["a.hedge", "b.hedge", "c.hedge", "d.hedge", "model.yaml", "rows.csv"]);
}

#[test]
fn a_report_stands_beside_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    assert!(run(&["sample", "innovation", "--rows", "200", "--out", &at("rows.csv")]).status.success());
    let args =
        ["train", &at("rows.csv"), "--target", "outcome", "--set", "n_estimators=3", "--json", "--out", &at("m.hedge")];
    let output = run(&args);
    let header: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(header["classes"], serde_json::json!(["failure", "success"]));
    assert!(header["metrics"]["validation"]["roc_auc"].as_f64().unwrap() > 0.5);
    let report = fs::read_to_string(at("m.html")).unwrap();
    assert!(report.starts_with("<!doctype html>") && report.trim_end().ends_with("</html>"));
    assert_eq!(names(folder.path()), ["m.hedge", "m.html", "rows.csv"]);
}

#[test]
fn an_import_is_not_written_over_what_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("churn.json");
    fs::copy("tests/cli/import.in/churn.json", &model).unwrap();
    let before = fs::read(&model).unwrap();
    let output = run(&["import", model.to_str().unwrap(), "--out", model.to_str().unwrap()]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("which is read: it would be lost"), "{told}");
    assert!(fs::read(&model).unwrap() == before);
}

#[test]
fn an_import_is_told_as_json_and_one_that_fails_its_check_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = written(folder.path(), "churn.hedge", "old");
    let import = |expected: &str| {
        let expected = format!("tests/cli/import.in/{expected}");
        let model = "tests/cli/import.in/churn.json";
        run(&[
            "import",
            model,
            "--classes",
            "stays,leaves",
            "--json",
            "--check",
            &expected,
            "--out",
            out.to_str().unwrap(),
        ])
    };
    let output = import("wrong.csv");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &told["check"]["passed"]), (Some(1), &serde_json::json!(false)));
    assert_eq!(told["check"]["leaves"]["first"], serde_json::json!({ "line": 4, "tree": 1, "ours": 6, "theirs": 9 }));
    assert_eq!(fs::read_to_string(&out).unwrap(), "old");

    let output = import("expected.csv");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &told["check"]["passed"]), (Some(0), &serde_json::json!(true)));
    assert_eq!(told["training"]["source"]["library"], "xgboost");
    assert_eq!(told["size"], fs::metadata(&out).unwrap().len());
    assert_eq!(names(folder.path()), ["churn.hedge"]);
}

#[test]
fn a_run_ends_at_its_limits_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("data.csv"), folder.path().join("m.hedge"));
    let (data, out) = (data.to_str().unwrap(), out.to_str().unwrap());
    assert!(run(&["sample", "innovation", "--rows", "2000", "--seed", "1", "--out", data]).status.success());
    let train = ["train", data, "--target", "outcome", "--as-of-column", "scored_at", "--out", out];
    for (flag, limit, says) in [
        ("--time-limit", "1ms", "the time limit of 1ms is over; nothing is written"),
        ("--memory-limit", "1MiB", "the memory limit of 1MiB is passed; nothing is written"),
        ("--time-limit", "soon", "`soon` is no time: write 90s, 10m or 2h"),
        ("--memory-limit", "lots", "`lots` is no"),
    ] {
        let output = run(&[&train[..], &[flag, limit]].concat());
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{limit}: {told}");
        assert!(told.contains(says), "{limit}: {told}");
        assert_eq!(names(folder.path()), ["data.csv"], "{limit}");
    }
    let enough = ["--time-limit", "1h", "--memory-limit", "64GiB", "--set", "n_estimators=5"];
    let output = run(&[&train[..], &enough].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
