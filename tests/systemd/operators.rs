//! Operators who attach to a bot under its unit.

use crate::instance::Instance;
use crate::lab::{lab, text};
use crate::support::Server;

#[tokio::test]
async fn an_operator_attaches_through_the_runtime_directory() {
    let Some(lab) = lab("an_operator_attaches_through_the_runtime_directory") else {
        return;
    };
    let server = Server::start().await;
    let bot = Instance::new(lab, "operated", &server.url, "");
    bot.start();
    let socket = "/run/sundown/operated/console.sock";
    assert_eq!(lab.run(&["stat", "-c", "%a", socket]).trim(), "600");
    let attach = ["sundown", "attach", "operated", "--"];
    let status = lab.run(&[&attach[..], &["status"]].concat());
    assert!(status.contains("running"), "{status}");
    let other = ["setpriv", "--reuid=65534", "--clear-groups"];
    let by_socket = ["sundown", "attach", "--socket", socket, "--", "status"];
    let refused = lab.output(&[&other[..], &by_socket].concat());
    assert_eq!(refused.status.code(), Some(77), "{}", text(&refused.stderr));
    lab.run(&[&attach[..], &["shutdown"]].concat());
    bot.wait_for_state("inactive dead");
    bot.assert_ended("inactive dead", "success", "0");
    assert!(!lab.output(&["stat", socket]).status.success());
}
