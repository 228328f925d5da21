//! A client that goes away ends the call upstream.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::Gateway;

// The test's own waits block their thread, and what hangs up needs one too.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_the_call_upstream_in_every_window() {
    let gateway = Gateway::start();
    let seen = |asked, aborted| {
        gateway.upstream.wait_until(|seen| {
            seen.asked == asked && seen.aborted == aborted && seen.open == asked - aborted
        });
    };
    // Before the first token of a stream, and while a whole answer is waited for.
    for (nth, is_streamed) in [(1, true), (2, false)] {
        let mut asking = Box::pin(gateway.request("stall", is_streamed).send());
        let until_asked = async {
            while gateway.upstream.seen().asked < nth {
                sleep(Duration::from_millis(2)).await; // between two looks at a condition
            }
        };
        tokio::select! {
            answer = &mut asking => panic!("{answer:?}"),
            () = until_asked => {}
        }
        drop(asking);
        seen(nth, nth);
    }
    // In the middle of a stream.
    let mut answer = gateway.ask("stall-after", true).await;
    assert!(answer.chunk().await.unwrap().is_some());
    seen(3, 2);
    drop(answer);
    seen(3, 3);
    // With bytes behind the request that nobody reads meanwhile.
    let body =
        r#"{"model":"stall","provider":"up","messages":[{"role":"user","content":"hello"}]}"#;
    let length = body.len();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}\r\n"
    );
    let address = gateway.url.trim_start_matches("http://");
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    seen(4, 3);
    drop(client);
    seen(4, 4);
}
