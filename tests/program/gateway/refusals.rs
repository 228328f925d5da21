//! What is refused before anything starts.

use crate::support::Process;

#[test]
fn a_public_address_without_a_key_is_refused() {
    let process = Process::sundown(["run", "--sandbox", "--listen", "0.0.0.0:0"]);
    let ended = process.end();
    ended.assert_code(78);
    assert!(ended.stderr.contains("gateway.key"), "{}", ended.stderr);
}

#[test]
fn an_address_that_is_taken_is_refused() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let process = Process::sundown(["run", "--sandbox", "--listen", &address]);
    let ended = process.end();
    ended.assert_code(69);
    assert!(ended.stderr.contains("--listen"), "{}", ended.stderr);
}
