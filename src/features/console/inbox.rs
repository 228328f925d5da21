//! Updates that are parked or wait, looked at and changed beside the running store.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::command::Inbox as Order;
use crate::store::sqlite::Inbox;
use crate::store::{Pos, StoreError};

/// Entries that are listed.
const MOST: u32 = 100;

/// Does it on a thread where it may block.
pub(super) async fn execute(order: Order, dir: PathBuf) -> Result<String, String> {
    let done = tokio::task::spawn_blocking(move || carry_out(&order, &dir));
    match done.await {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(format!("the inbox could not be looked at: {error}")),
    }
}

fn carry_out(order: &Order, dir: &Path) -> Result<Result<String, String>, StoreError> {
    let inbox = Inbox::open(dir)?;
    Ok(match order {
        Order::List { queued } => Ok(list(&inbox, *queued)?),
        Order::Show(position) => match inbox.body(Pos(*position))? {
            Some(body) => Ok(body),
            None => Err(nothing(*position)),
        },
        Order::Retry(which) => changed(*which, inbox.retry(which.map(Pos))?, "to be handled again"),
        Order::Drop(which) => changed(*which, inbox.discard(which.map(Pos))?, "deleted"),
    })
}

fn list(inbox: &Inbox, queued: bool) -> Result<String, StoreError> {
    let mut text = String::new();
    let items = inbox.list(!queued, MOST + 1)?;
    let (told, left_out) = items.split_at(items.len().min(MOST as usize));
    for item in told {
        let _ = writeln!(text, "{item}");
    }
    if !left_out.is_empty() {
        text += "… and more\n";
    }
    if text.is_empty() {
        text = if queued {
            "nothing waits"
        } else {
            "nothing is parked"
        }
        .to_owned();
    }
    Ok(text)
}

fn changed(which: Option<i64>, count: usize, what: &str) -> Result<String, String> {
    match which {
        Some(position) if count == 0 => Err(nothing(position)),
        _ => Ok(format!("{count} {what}")),
    }
}

fn nothing(position: i64) -> String {
    format!("there is no such update at position {position}; `inbox list` lists them")
}
