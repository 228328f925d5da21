//! The operator's console: a prompt beside the running bot, and the same for whoever attaches to it.
//!
//! ```text
//!  terminal ─→ keys ─→ editor ─┐                                     ┌─ lifecycle: dump, restart, stop
//!                              ├─ session ─→ Console::execute ───────┼─ store: counts, documents, the inbox
//!  socket ──── JSON lines ─────┘  requests, replies                  └─ abilities: say, ask, read, tail, level
//! ```
//!
//! **Authority**: none of its own. It asks the supervisor, the store and what the composition root hands over, and shows what
//! they say; a stop is only requested.
//!
//! Invariants:
//! - Nobody waits for an operator. Log lines go through a bounded queue whose oldest are dropped and counted; a client that
//!   does not read holds up its own command alone; the terminal is written to without blocking, through a descriptor of its
//!   own, so that no thread can hang in it.
//! - The terminal is given back when a stop begins, and on every other way out but SIGKILL: when the prompt's task ends
//!   however it does, before the hard deadline ends the process, and before a further signal would.
//! - What is said to people or to a model is neither logged nor kept in the history.
//! - The socket has mode 0600 from its first moment, and only the process's own user and root are let in.
//!
//! Deliberately not done: a line that wraps (the prompt's row scrolls sideways instead, which no resize can break), job
//! control at the prompt. What strangers have written is shown without its colours.

mod abilities;
mod client;
mod command;
mod editor;
mod execute;
mod history;
mod inbox;
mod keys;
mod local;
mod prompt;
mod session;
mod shown;
mod socket;
mod status;
mod terminal;

pub use abilities::{Abilities, Ask, Doing, Guard, Level, Lines, OpenStore, Read, Say, Writing};
pub use client::{connect, run_lines, run_prompt, runtime_dir, socket_in};
pub use execute::Console;
pub use local::LocalPrompt;
pub use socket::Socket;
