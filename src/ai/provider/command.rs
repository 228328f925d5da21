//! A command line as a provider: it reads the conversation from standard input, and writes the answer to standard output.
//!
//! The conversation is plain text: each message as `role: text`, an empty line behind it, and `assistant:` as the last line,
//! for the command to go on from there.
//!
//! ```text
//! system: You are brief.
//!
//! user: Hello.
//!
//! assistant:
//! ```
//!
//! Nothing in a text is escaped: somebody can write what looks like a further message. Pictures and calls of tools are left
//! out.
//!
//! Invariants:
//! - No shell: the program is started with its arguments as they are, `{model}` in them replaced.
//! - It runs in a process group of its own, and nothing of that group outlives the answer: it is killed when the command has
//!   ended and when the answer is dropped. A SIGKILL of this process leaves the group to itself; under systemd the control
//!   group ends it. What a command leaves behind is waited for by process 1: in a container, that has to be an init
//!   (`docker run --init`), for this program waits only for what it has started itself.
//! - It sees of the environment only what is known to be harmless: see [`start`].
//! - What is held of it is bounded: 1 MiB of an answer, whose end is `length` then, and the end of standard error.
//!
//! There is no task: whoever polls the answer feeds the command and reads from it, so a reader that is slow slows it down.

mod running;
mod start;
#[cfg(test)]
mod tests;
mod text;

use futures::{StreamExt, stream};
use serde_json::{Map, Value};

use super::collect::Chunks;
use super::write::Writer;
use crate::ai::{Broken, Chunk, Refusal, message};
use running::{Event, Running};

/// Starts the command, and resolves with its first text, or its good end.
///
/// # Errors
/// Where the program cannot be started, or fails before it has said anything.
///
/// # Cancel safety
/// Dropped, the command and all of its group are killed. So they are by dropping the stream.
pub(super) async fn stream(
    command: &[String],
    model: &str,
    body: &Map<String, Value>,
) -> Result<Chunks, Box<Refusal>> {
    let mut running = start::start(command, model, conversation(body))?;
    let mut writer = Writer::new(model, body);
    let mut first = vec![Ok(writer.role())];
    let rest = match running.next().await {
        Event::Text(text) => {
            first.push(Ok(writer.text(&text)));
            Some((writer, running))
        }
        Event::End(finish_reason) => {
            first.extend(writer.end(finish_reason).into_iter().map(Ok));
            None
        }
        Event::Failed(how) => {
            let text = format!("the command `{}` failed: {how}", command[0]);
            return Err(Refusal::new(502, "server_error", text)
                .code("command_failed")
                .into());
        }
    };
    let rest = stream::unfold(rest, |rest| async {
        let (writer, running) = rest?;
        Some(step(writer, running).await)
    });
    Ok(stream::iter(first)
        .chain(rest.flat_map(stream::iter))
        .boxed())
}

type Step = (Vec<Result<Chunk, Broken>>, Option<(Writer, Running)>);

async fn step(mut writer: Writer, mut running: Running) -> Step {
    match running.next().await {
        Event::Text(text) => (vec![Ok(writer.text(&text))], Some((writer, running))),
        Event::End(reason) => (writer.end(reason).into_iter().map(Ok).collect(), None),
        Event::Failed(how) => (vec![Err(Broken::Disconnected(how))], None),
    }
}

/// The conversation as the command reads it.
fn conversation(body: &Map<String, Value>) -> String {
    let mut text = String::new();
    for said in message::all(body) {
        let words = message::text(said);
        if !words.trim().is_empty() {
            text += &format!("{}: {}\n\n", message::role(said), words.trim());
        }
    }
    text + "assistant:\n"
}
