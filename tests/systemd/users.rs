//! A user's own service manager.

use crate::lab::{Lab, lab};
use crate::support::{Server, TOKEN};

/// A user with a home and a manager, in the lab alone.
const MANAGER: &str = "
useradd --system --create-home --home-dir /var/lib/ada ada
install -d -o ada -m 700 /run/user/ada
systemd-run --quiet --unit=manager-of-ada --uid=ada -p Type=notify -p Delegate=yes \
  -E XDG_RUNTIME_DIR=/run/user/ada /lib/systemd/systemd --user --log-target=journal
";

/// What she does, as a script; what it printed.
fn as_ada(lab: &Lab, script: &str) -> String {
    let user = ["setpriv", "--reuid=ada", "--regid=ada", "--clear-groups"];
    let place = ["env", "HOME=/var/lib/ada", "XDG_RUNTIME_DIR=/run/user/ada"];
    let shell = ["bash", "-euc", script];
    lab.run(&[&user[..], &place, &shell].concat())
}

#[tokio::test]
async fn a_user_has_a_bot_of_her_own() {
    let Some(lab) = lab("a_user_has_a_bot_of_her_own") else {
        return;
    };
    let server = Server::start().await;
    lab.run(&["bash", "-euc", MANAGER]);
    let said = as_ada(lab, "sundown systemd install --user tea");
    assert!(
        said.contains("systemctl --user enable --now sundown@tea.service"),
        "{said}"
    );
    // Not by a command: the journal keeps the command lines of those who write to it.
    let token = "/var/lib/ada/.config/sundown/tea.token";
    lab.put(token, TOKEN.as_bytes(), "600");
    lab.run(&["chown", "ada", token]);
    let url = server.url.replace("127.0.0.1", "localhost");
    as_ada(
        lab,
        &format!(
            "cd ~/.config/sundown; echo 'api_url = \"{url}\"' >tea.toml
             systemd-analyze --user verify sundown@tea.service
             systemctl --user daemon-reload; systemctl --user enable --now sundown@tea"
        ),
    );
    server.say(7, "/ping").await;
    server.wait_for_answers(7, 1).await;
    let show =
        "systemctl --user show --value -p Result -p ExecMainStatus -p ActiveState sundown@tea";
    let ended = as_ada(lab, &format!("systemctl --user stop sundown@tea; {show}"));
    assert_eq!(ended, "success\n0\ninactive\n");
    lab.run(&["systemctl", "stop", "manager-of-ada"]);
}
