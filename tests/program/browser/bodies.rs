//! Pages as bytes: in other charsets, and packed.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

pub(crate) fn russian() -> Vec<u8> {
    // "Чай" in windows-1251.
    let mut page = b"<title>\xd7\xe0\xe9</title><article><p>".to_vec();
    page.extend(b"\xd7\xe0\xe9 \xe3\xee\xf0\xff\xf7\xe8\xe9. ".repeat(40));
    page
}

pub(crate) fn japanese() -> Vec<u8> {
    // "日本のお茶" in Shift_JIS, as its server says.
    b"<p>\x93\xfa\x96\x7b\x82\xcc\x82\xa8\x92\x83".to_vec()
}

pub(crate) fn greek() -> Vec<u8> {
    // "Τσάι" in ISO 8859-7, as the page itself says.
    b"<meta charset=iso-8859-7><p>\xd4\xf3\xdc\xe9".to_vec()
}

/// 20 MB of text in 20 kB.
pub(crate) fn bomb() -> Vec<u8> {
    let mut child = Command::new("gzip")
        .arg("-9")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || {
        stdin.write_all(b"<title>Bomb</title><article><p>").unwrap();
        let line = "boom and again ".repeat(70_000);
        for _ in 0..20 {
            stdin.write_all(line.as_bytes()).unwrap();
        }
    });
    let packed = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    packed
}
