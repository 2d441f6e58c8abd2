//! Holds the walls: imports run one way, the core asks nothing of its host, and one file names the wire format's crate.
//!
//! The order of the rooms is read from the table on the crate's front page, so the page cannot lie.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms in the order of the front page's table: core, then native.
struct Rooms {
    all: Vec<String>,
    core: usize,
}

impl Rooms {
    fn of(front_page: &str) -> Rooms {
        let lines: Vec<&str> = front_page.lines().collect();
        let head =
            lines.iter().position(|l| l.starts_with("//! | core:")).expect("the front page has the table of rooms");
        let mut cells = lines[head + 2].trim_start_matches("//!").trim().trim_matches('|').split('|');
        let names = |cell: Option<&str>| -> Vec<String> {
            cell.unwrap_or("").split('`').skip(1).step_by(2).map(str::to_owned).collect()
        };
        let (mut all, native) = (names(cells.next()), names(cells.next()));
        let core = all.len();
        all.extend(native);
        Rooms { all, core }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|r| r == name)
    }
}

/// What a host has and the core must not ask for.
const HOST: &[&str] = &[
    "std::time",
    "std::fs",
    "std::thread",
    "std::env",
    "std::process",
    "std::net",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "SystemTime",
    "Instant",
    "HashMap",
    "HashSet",
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
    "dbg!",
    "thread_local!",
    "rand",
];

/// Methods of `f64` whose bits differ by platform.
const PLATFORM_MATHS: &[&str] = &[
    "exp", "exp2", "exp_m1", "ln", "ln_1p", "log", "log2", "log10", "powf", "powi", "sin", "cos", "sin_cos", "tan",
    "tanh", "sinh", "cosh", "atan", "atan2", "cbrt", "hypot", "mul_add",
];

/// What `text`, the file `path` (relative to `src`), breaks.
fn faults(rooms: &Rooms, path: &str, text: &str) -> Vec<String> {
    let room = path.split(['/', '.']).next().unwrap_or_default();
    let Some(own) = rooms.position(room) else {
        return vec![format!("{path}: `{room}` is no room of the front page's table")];
    };
    let code = without_tests(&without_comments_and_strings(text));
    let mut faults = Vec::new();
    for name in imports(rooms, path, &code) {
        match rooms.position(&name) {
            Some(other) if other <= own => {}
            Some(_) => faults.push(format!("{path}: `{room}` uses `{name}`, which comes after it")),
            None => faults.push(format!("{path}: uses `crate::{name}`, which is no room")),
        }
    }
    for line in code.lines().map(str::trim) {
        if room != "wire" && names_word(line, "bincode") {
            faults.push(format!("{path}: names bincode: {line}"));
        }
        if own >= rooms.core {
            continue;
        }
        if let Some(word) = HOST.iter().find(|word| names_word(line, word)) {
            faults.push(format!("{path}: the core names `{word}`: {line}"));
        }
        let uses = |method: &&&str| line.contains(&format!(".{method}(")) || line.contains(&format!("f64::{method}"));
        if let Some(method) = PLATFORM_MATHS.iter().find(uses) {
            faults.push(format!("{path}: the core uses the platform's `{method}`: {line}"));
        }
        let derives = line.starts_with("#[cfg_attr(") && line.contains("derive(");
        if !["simd", "wasm"].contains(&room) && line.contains("target_arch") && !derives {
            faults.push(format!("{path}: the core asks for its target: {line}"));
        }
    }
    faults
}

/// Whether `line` has `word` with no letter, digit or `_` around it.
fn names_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
}

/// The rooms that a file's code names: after `crate::`, and after as many `super::` as lead out of its room.
fn imports(rooms: &Rooms, path: &str, code: &str) -> Vec<String> {
    let depth = path.trim_end_matches("/mod.rs").matches('/').count();
    let supers = "super::".repeat(depth + 1);
    let mut names = Vec::new();
    for root in ["crate::", supers.as_str()] {
        for (at, _) in code.match_indices(root) {
            if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$' || c == ':') {
                continue;
            }
            for name in first_names(&code[at + root.len()..]) {
                // Within a module of its own, `super` leads back to the file itself: only a room's name counts.
                if root == "crate::" || rooms.position(&name).is_some() {
                    names.push(name);
                }
            }
        }
    }
    names
}

/// The first name of a path, or of each path in braces.
fn first_names(rest: &str) -> Vec<String> {
    let word = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let Some(group) = rest.strip_prefix('{') else {
        return Some(word(rest)).filter(|name| !name.is_empty()).into_iter().collect();
    };
    let (mut names, mut level, mut start) = (Vec::new(), 0, true);
    for (i, c) in group.char_indices() {
        match c {
            '}' if level == 0 => break,
            '{' => level += 1,
            '}' => level -= 1,
            ',' if level == 0 => start = true,
            c if start && !c.is_whitespace() => {
                names.push(word(&group[i..]));
                start = false;
            }
            _ => {}
        }
    }
    names
}

/// Blanks out comments, strings and characters, keeping lines.
fn without_comments_and_strings(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_string(rest, out.chars().last()) {
            let open = 2 + hashes;
            let close = format!("\"{}", "#".repeat(hashes));
            rest[open..].find(&close).map_or(rest.len(), |end| open + end + close.len())
        } else if c == '"' {
            string_end(rest)
        } else if c == '\'' {
            char_end(rest)
        } else {
            0
        };
        if skip == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            out.push(' ');
            out.extend(rest[..skip].chars().filter(|c| *c == '\n'));
            rest = &rest[skip..];
        }
    }
    out
}

/// How many hashes a raw string that starts here has.
fn raw_string(rest: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(|c| c.is_alphanumeric() && c != 'b' || c == '_') {
        return None;
    }
    let inner = rest.strip_prefix('r')?;
    let hashes = inner.chars().take_while(|c| *c == '#').count();
    inner[hashes..].starts_with('"').then_some(hashes)
}

fn string_end(rest: &str) -> usize {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return i + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The end of a character, or 0 for a lifetime.
fn char_end(rest: &str) -> usize {
    match rest.char_indices().nth(1) {
        Some((_, '\\')) => rest[3..].find('\'').map_or(0, |end| 3 + end + 1),
        Some((i, c)) if rest[i + c.len_utf8()..].starts_with('\'') => i + c.len_utf8() + 1,
        _ => 0,
    }
}

/// Drops the unit tests at a file's end: they may use any room.
fn without_tests(code: &str) -> String {
    let end = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
    code[..end].to_owned()
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn front_page() -> String {
    fs::read_to_string(src().join("lib.rs")).unwrap()
}

#[test]
fn every_room_keeps_its_walls() {
    let rooms = Rooms::of(&front_page());
    let mut files = Vec::new();
    sources(&src(), &mut files);
    let (mut found, mut seen) = (Vec::new(), 0);
    for file in files {
        let path = file.strip_prefix(src()).unwrap().to_str().unwrap().replace('\\', "/");
        if !["lib.rs", "main.rs"].contains(&path.as_str()) && !path.ends_with("/tests.rs") {
            seen += 1;
            found.extend(faults(&rooms, &path, &fs::read_to_string(&file).unwrap()));
        }
    }
    assert!(seen >= rooms.all.len(), "only {seen} files were looked at");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_front_page_lists_the_rooms_there_are() {
    let page = front_page();
    let mut rooms = Rooms::of(&page);
    assert_eq!(rooms.all[rooms.core - 1], "wasm");
    let mut modules: Vec<&str> =
        page.lines().filter_map(|l| l.trim().strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    modules.sort_unstable();
    rooms.all.sort_unstable();
    assert_eq!(modules, rooms.all);
}

#[test]
fn the_checker_sees_what_it_should() {
    let rooms = Rooms::of(&front_page());
    for (path, bad) in [
        ("schema/row.rs", "use crate::engine::Engine;"),
        ("schema/row.rs", "fn f() { crate::engine::Engine::new() }"),
        ("math.rs", "use crate::{error::Result, schema::{Field, Schema}};"),
        ("math.rs", "use super::schema::Field;"),
        ("model/forest/mod.rs", "use super::super::engine::Engine;"),
        ("engine.rs", "use crate::train::Config;"),
        ("engine.rs", "use crate::nowhere::Config;"),
        ("nowhere.rs", "fn f() {}"),
        ("model/mod.rs", "use bincode::Decode;"),
        ("cli/mod.rs", "fn f() { bincode::encode_to_vec(1) }"),
        ("cache.rs", "let now = std::time::Instant::now();"),
        ("cache.rs", "use std::collections::HashMap;"),
        ("cache.rs", "let r = rand::rng();"),
        ("schema/row.rs", "println!(\"{x}\");"),
        ("expr/eval.rs", "let y = x.exp();"),
        ("expr/eval.rs", "let y = f64::tanh(x);"),
        ("expr/eval.rs", "let y = a.mul_add(b, c);"),
        ("engine.rs", "#[cfg(target_arch = \"wasm32\")]"),
        ("engine.rs", "fn f() -> char { '\"' } use crate::train::Config; // \""),
        ("engine.rs", "let s = r#\"a \" b\"#; use crate::train::Config;"),
    ] {
        assert_eq!(faults(&rooms, path, bad).len(), 1, "{path}: {bad}");
    }
    for (path, good) in [
        ("engine.rs", "use crate::{artifact::Artifact, schema::{Field, Schema}};"),
        ("schema/row.rs", "use super::Field;\nuse crate::error::Result;"),
        ("model/forest/build.rs", "use super::super::Model;\nuse super::Forest;"),
        ("cli/predict.rs", "use super::train;\nuse std::io;"),
        ("math.rs", "/// See [`Engine`](crate::engine::Engine). println!\nfn f() {}"),
        ("math.rs", "const TEXT: &str = \"crate::engine std::fs \\\" bincode\";"),
        ("schema/mod.rs", "#[cfg_attr(any(feature = \"cli\", target_arch = \"wasm32\"), derive(serde::Serialize))]"),
        ("wasm.rs", "#[cfg(target_arch = \"wasm32\")]"),
        ("simd.rs", "#[cfg(target_arch = \"wasm32\")]"),
        ("cache.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::engine::Engine;\n}"),
        ("math.rs", "let strand = operand; a.expand(); 'a: loop {}"),
    ] {
        assert_eq!(faults(&rooms, path, good), Vec::<String>::new(), "{path}: {good}");
    }
}
