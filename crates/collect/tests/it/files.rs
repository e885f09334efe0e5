use std::io::Write;

use tallykeep_collect::{CsvFile, JsonValues};

fn write(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join(name);
    std::fs::write(&file, bytes).expect("written");
    (dir, file)
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn read(file: &std::path::Path) -> Vec<String> {
    JsonValues::open(file)
        .expect("opens")
        .map(|r| match r {
            Ok((line, value)) => format!("{line} {value}"),
            Err(error) => format!("! {}: {}", error.line, error.reason),
        })
        .collect()
}

#[test]
fn json_lines_keep_their_line_numbers_and_survive_a_bad_one() {
    let text = b"{\"a\":1}\n\n{\"a\":\n{\"a\":3}";
    let expected = ["1 {\"a\":1}", "! 3: not JSON: EOF while parsing a value (column 0)", "4 {\"a\":3}"];
    let (_dir, plain) = write("a.jsonl", text);
    assert_eq!(read(&plain), expected);
    let (_dir, packed) = write("a.jsonl", &gz(text));
    assert_eq!(read(&packed), expected, "gzip is told by its bytes, not by the name");
    let (_dir, packed) = write("a", &zstd::encode_all(&text[..], 3).expect("in memory"));
    assert_eq!(read(&packed), expected);
}

#[test]
fn an_array_is_read_element_by_element() {
    let (_dir, file) = write("a.json", b"\n[ {\"a\":\"x,]\\\"\"},\n  [1,[2]], 7\n]\n");
    assert_eq!(read(&file), ["2 {\"a\":\"x,]\\\"\"}", "3 [1,[2]]", "3 7"]);
    let (_dir, file) = write("a.json", b"[]");
    assert!(read(&file).is_empty());
    let (_dir, file) = write("a.json", b"[{\"a\":1}, {\"a\"");
    assert_eq!(read(&file), ["1 {\"a\":1}", "! 1: the array does not end"]);
}

#[test]
fn csv_lines_name_themselves() {
    let (_dir, file) =
        write("a.csv", b"\xef\xbb\xbfday,value\n2026-01-01,1\n2026-01-02\n\"2026\n-01\",3\n\xff,4\n5,6\n");
    let mut csv = CsvFile::open(&file).expect("opens");
    assert_eq!(csv.column("day").expect("there"), 0);
    let mut seen = Vec::new();
    while let Some(line) = csv.next_line() {
        seen.push(match line {
            Ok(line) => format!("{} {:?}", line.line, line.field(1)),
            Err(error) => format!("! {}: {}", error.line, error.reason),
        });
    }
    assert_eq!(seen, ["2 \"1\"", "! 3: 1 fields, but the header has 2", "4 \"3\"", "! 6: not UTF-8", "7 \"6\""]);
    let error = csv.column("when").expect_err("absent").to_string();
    assert!(error.ends_with("a.csv:1: column `when` is missing; the header has `day`, `value`"), "{error}");
}

#[test]
fn a_truncated_archive_is_an_error_not_an_end() {
    let text: Vec<u8> = (0..5000).flat_map(|n| format!("{{\"n\":{n}}}\n").into_bytes()).collect();
    let packed = gz(&text);
    let (_dir, file) = write("a.gz", &packed[..packed.len() / 2]);
    let last = read(&file).pop().expect("something");
    assert!(last.starts_with('!'), "{last}");
}
