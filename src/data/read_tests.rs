use super::*;

fn reader(text: impl Into<Vec<u8>>) -> Result<Reader> {
    Reader::new(Cursor::new(text.into()), None)
}

fn lines(text: impl Into<Vec<u8>>) -> Vec<Result<Line>> {
    reader(text).unwrap().collect()
}

fn refusal<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn csv_and_json_lines_are_told_apart_by_the_first_byte() {
    for (text, format) in [
        ("a,b\n1,2\n", Format::Csv),
        ("{\"a\": 1}\n", Format::JsonLines),
        ("\u{feff}{\"a\": 1}\n", Format::JsonLines),
        ("\n\n  {\"a\": 1}\n", Format::JsonLines),
        ("\u{feff}a,b\n", Format::Csv),
    ] {
        assert_eq!(reader(text).unwrap().format(), format, "{text:?}");
    }
    assert_eq!(Reader::new(&b""[..], Some(Format::JsonLines)).unwrap().count(), 0);
}

#[test]
fn csv_cells_come_back_as_they_are() {
    let text = "\u{feff}id, name ,note\r\n1,\"a \"\"b\"\", c\",\"two\nlines\"\r\n\r\n2, é ,\r\n";
    let mut reader = reader(text).unwrap();
    assert_eq!(reader.columns().unwrap(), ["id", "name", "note"]);
    let first = reader.next().unwrap().unwrap();
    assert_eq!(first.number(), 2);
    assert_eq!(first.get("name"), Cell::Raw("a \"b\", c".into()));
    assert_eq!(first.text("note").as_deref(), Some("two\nlines"));
    assert_eq!(first.get("nothing"), Cell::Missing);
    let second = reader.next().unwrap().unwrap();
    assert_eq!(second.get("name"), Cell::Raw(" é ".into()));
    assert_eq!(second.text("note").as_deref(), Some(""));
    assert!(reader.next().is_none());
}

#[test]
fn a_header_that_cannot_be_used_is_refused() {
    for (text, message) in [
        ("", "the file is empty: a header line with the names of the columns is expected"),
        ("a,b, a\n", "columns 1 and 3 are both named `a`: names must differ"),
        (
            "a;b;c\n1;2;3\n",
            "the header has one column and many ';': separate columns by commas (or by tabs in a .tsv file)",
        ),
    ] {
        assert_eq!(refusal(reader(text)), message, "{text:?}");
    }
    assert!(refusal(reader(&b"a,\xff\n"[..])).starts_with("the name of column 2 is not UTF-8"));
    assert!(refusal(reader("x".repeat(MAX_NAME + 1))).contains("longer than 1024 bytes"));
}

#[test]
fn a_ragged_line_is_named_and_the_next_is_read() {
    assert_eq!(
        refusal(lines("a,b\r\n1,2\r\n3\r\n").remove(1)),
        "line 3 has 1 cells, the header 2: each must have as many"
    );
    let read = lines("a,b\n1,2\n3\n4,5,6\n7,8\n");
    assert_eq!(read[0].as_ref().unwrap().number(), 2);
    assert_eq!(
        read[1].as_ref().err().map(ToString::to_string).as_deref(),
        Some("line 3 has 1 cells, the header 2: each must have as many")
    );
    assert!(read[2].is_err());
    assert_eq!(read[3].as_ref().unwrap().get("b"), Cell::Raw("8".into()));
    assert_eq!(read.len(), 4);
}

#[test]
fn json_lines_name_the_line_that_is_wrong_and_go_on() {
    let mut text = b"{\"a\": 1}\r\n\n[1]\n{\"a\": }\n\xff\n".to_vec();
    text.extend(format!("{{\"a\": \"{}\"}}\n", "x".repeat(MAX_RECORD)).bytes());
    text.extend(b"{\"a\": 2}");
    let read = lines(text);
    let message = |k: usize| read[k].as_ref().err().map(ToString::to_string).unwrap_or_default();
    assert_eq!(read[0].as_ref().unwrap().get("a"), Cell::Number(1.0));
    assert_eq!(message(1), "line 3: it holds an array: one JSON object per line is expected");
    assert_eq!(message(2), "line 4: it is no JSON object: expected value (column 7)");
    assert_eq!(message(3), "line 5: byte 1 is not UTF-8: save the file as UTF-8");
    assert_eq!(message(4), "line 6: it is longer than 1 MiB, the most a record may take");
    assert_eq!((read[5].as_ref().unwrap().number(), read[5].as_ref().unwrap().get("a")), (7, Cell::Number(2.0)));
    assert_eq!(read.len(), 6);
}

#[test]
fn an_open_quote_does_not_take_the_memory() {
    let mut text = b"a,b\n1,2\n3,\"".to_vec();
    text.extend(vec![b'x'; 3 * MAX_RECORD]);
    let read = lines(text);
    assert_eq!(read.len(), 2);
    assert!(refusal(read.into_iter().nth(1).unwrap()).contains("longer than 1 MiB"));
    let mut long = b"a,b\n".to_vec();
    for _ in 0..200_000 {
        long.extend(b"123456,abcdef\n");
    }
    assert_eq!(lines(long).len(), 200_000, "many short records are no long one");
}

#[test]
fn bytes_that_are_no_text_are_a_value_of_no_kind() {
    let read = lines(&b"a,b\n\xff,2\n"[..]);
    let line = read[0].as_ref().unwrap();
    assert_eq!(line.get("a"), Cell::Other(NOT_UTF8));
    assert_eq!(line.text("a").as_deref(), Some("\u{fffd}"));
}

#[test]
fn json_values_are_copied_as_written() {
    let read = lines(r#"{"s": "a\tb", "n": 1.50, "l": [1, 2], "z": null}"#);
    let line = read[0].as_ref().unwrap();
    for (name, text) in [("s", Some("a\tb")), ("n", Some("1.50")), ("l", Some("[1, 2]")), ("z", None), ("x", None)] {
        assert_eq!(line.text(name).as_deref(), text, "{name}");
    }
}

#[test]
fn a_record_is_read_before_the_next_is_there() {
    /// Gives one line, then fails: whoever asks for more before he must has lost the line.
    struct OneLine(bool);
    impl Read for OneLine {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(std::io::Error::other("nothing more yet"));
            }
            buffer[..9].copy_from_slice(b"{\"a\": 1}\n");
            Ok(9)
        }
    }
    let mut reader = Reader::new(OneLine(false), None).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().get("a"), Cell::Number(1.0));
    assert_eq!(reader.next().unwrap().unwrap_err().kind(), ErrorKind::Io);
    assert!(reader.next().is_none());
}
