//! The prompt on a terminal: lines that come scroll by above the one that is being typed.

use std::collections::VecDeque;
use std::env;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use signal_hook::consts::SIGWINCH;
use signal_hook_tokio::Signals;
use tokio::task::unconstrained;
use tokio::time::timeout;

use super::command::Command;
use super::editor::{Editor, Effect};
use super::history::History;
use super::keys::{Key, Keys};
use super::session::{Reply, Request, Session};
use super::shown::shown;
use super::terminal::Terminal;
use crate::lifecycle::crash_point;

/// A terminal that does not read is not waited for.
const FAREWELL: Duration = Duration::from_millis(200);
const PROMPT: &str = "sundown> ";
/// Bytes of a log line.
const LONGEST_SHOWN: usize = 1_000;

/// Why the prompt is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// By `quit`, Ctrl-D, or Ctrl-C where that is no signal.
    Quit,
    /// Whoever answers has gone.
    Gone,
    /// Whoever answers will no more, and has said why.
    Refused,
}

/// A command that was entered and is not done.
#[derive(Clone, Copy)]
struct Running {
    /// Any key ends it.
    ends_at_a_key: bool,
    /// It tells what strangers have written.
    quotes_others: bool,
}

pub(super) struct Prompt {
    terminal: Terminal,
    session: Session,
    /// Log lines, where they are shown here.
    lines: BoxStream<'static, String>,
    editor: Editor,
    history: History,
    keys: Keys,
    /// The command that runs, and those that wait for it.
    running: VecDeque<Running>,
    has_colours: bool,
    /// What runs was asked to end.
    is_cancelling: bool,
    /// What a command says stands in the middle of a row; the prompt and log lines wait for its end.
    is_mid_row: bool,
    /// How many columns behind the prompt's first one the cursor is.
    cursor: usize,
    has_ended_the_instance: bool,
}

impl Prompt {
    pub(super) fn new(
        terminal: Terminal,
        session: Session,
        lines: BoxStream<'static, String>,
        history: History,
    ) -> Self {
        Self {
            terminal,
            session,
            lines,
            editor: Editor::default(),
            history,
            keys: Keys::default(),
            running: VecDeque::new(),
            // See <https://no-color.org>.
            has_colours: env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()),
            is_cancelling: false,
            is_mid_row: false,
            cursor: 0,
            has_ended_the_instance: false,
        }
    }

    /// Whether a line has asked for that.
    pub(super) fn has_ended_the_instance(&self) -> bool {
        self.has_ended_the_instance
    }

    /// Until it is left.
    ///
    /// # Errors
    /// Where the terminal cannot be read or written.
    ///
    /// # Cancel safety
    /// Dropped, the terminal is put back.
    pub(super) async fn run(&mut self) -> io::Result<Left> {
        let mut resized = Signals::new([SIGWINCH])?;
        self.editor = Editor::new(self.history.read().await);
        self.draw("").await?;
        loop {
            tokio::select! {
                biased;
                typed = self.terminal.read() => {
                    let typed = typed?;
                    if typed.is_empty() {
                        return Err(io::Error::other("it was closed"));
                    }
                    for key in self.keys.feed(&typed) {
                        if let Some(left) = self.press(key).await? {
                            return Ok(left);
                        }
                    }
                }
                reply = self.session.replies.recv() => match reply {
                    Some(Reply::Refused(why)) => {
                        self.draw(&format!("{}\n", shown(&why, false))).await?;
                        return Ok(Left::Refused);
                    }
                    Some(reply) => self.answer(reply).await?,
                    None => return Ok(Left::Gone),
                },
                Some(line) = self.lines.next(), if !self.is_mid_row => self.draw(&cut(line)).await?,
                Some(_) = resized.next() => self.fit().await?,
            }
        }
    }

    /// Shows the lines that have come and were not shown, where the terminal takes them soon.
    pub(super) async fn show_the_rest(&mut self) {
        let rest = async {
            let _ = self.terminal.write(b"\r\x1b[K").await;
            while let Some(line) = next_now(&mut self.lines) {
                let _ = self.terminal.write(line.as_bytes()).await;
            }
        };
        let _ = timeout(FAREWELL, rest).await;
    }

    /// The same, and puts the terminal back.
    pub(super) async fn finish(mut self) {
        self.show_the_rest().await;
    }

    async fn press(&mut self, key: Key) -> io::Result<Option<Left>> {
        if let Some(running) = self.running.front() {
            let leaves = matches!(key, Key::Interrupt | Key::EndOfInput);
            if self.is_cancelling && leaves {
                // Whoever is to end it does not answer.
                return Ok(Some(Left::Quit));
            }
            if running.ends_at_a_key || matches!(key, Key::Escape | Key::Interrupt) {
                self.is_cancelling = true;
                self.ask(Request::Cancel);
                return Ok(None);
            }
        }
        match self.editor.press(key) {
            Effect::Redraw => self.draw("").await?,
            Effect::Clear => {
                self.terminal.write(b"\x1b[H\x1b[2J").await?;
                self.draw("").await?;
            }
            Effect::Candidates(words) => {
                let words = shown(&words.join("  "), false);
                self.draw(&(words + "\n")).await?;
            }
            Effect::Interrupt | Effect::EndOfInput => return Ok(Some(Left::Quit)),
            Effect::Line(line) => return self.enter(line).await,
        }
        Ok(None)
    }

    async fn enter(&mut self, line: String) -> io::Result<Option<Left>> {
        self.draw(&format!("{PROMPT}{line}\n")).await?;
        crash_point("console-line");
        let command = Command::parse(&line);
        if let Ok(Some(Command::Quit)) = command {
            return Ok(Some(Left::Quit));
        }
        if line.is_empty() {
            return Ok(None);
        }
        if Command::is_kept(&line) {
            self.history.add(&line).await;
        }
        self.has_ended_the_instance |= Command::ends_the_instance(&line);
        if !self.ask(Request::Line(line)) {
            self.draw("too many commands wait; this one is not done\n")
                .await?;
            return Ok(None);
        }
        let command = command.ok().flatten();
        self.running.push_back(Running {
            ends_at_a_key: command.as_ref().is_some_and(Command::ends_at_a_key),
            quotes_others: command.as_ref().is_some_and(Command::quotes_others),
        });
        Ok(None)
    }

    async fn answer(&mut self, reply: Reply) -> io::Result<()> {
        match reply {
            Reply::Hello { services } => {
                // They get into the line as they are.
                let is_name = |name: &String| !name.contains(char::is_control);
                self.editor.services = services.into_iter().filter(is_name).collect();
                Ok(())
            }
            Reply::Out(text) => {
                let running = self.running.front();
                let is_ours = running.is_none_or(|running| !running.quotes_others);
                let text = shown(&text, is_ours && self.has_colours);
                let begins = !self.is_mid_row;
                self.is_mid_row = !text.ends_with('\n') && !text.is_empty();
                if begins && !self.is_mid_row {
                    return self.draw(&text).await;
                }
                let erased = if begins { "\r\x1b[K" } else { "" };
                self.terminal.write(erased.as_bytes()).await?;
                self.terminal.write(text.as_bytes()).await?;
                self.draw("").await
            }
            // The loop leaves at it.
            Reply::Refused(_) => Ok(()),
            Reply::Done(_) => {
                self.running.pop_front();
                self.is_cancelling = false;
                if std::mem::take(&mut self.is_mid_row) {
                    self.terminal.write(b"\n").await?;
                }
                self.draw("").await
            }
        }
    }

    /// Draws the row for another width. A terminal that has become narrower has wrapped it, as most do, so its parts go first.
    async fn fit(&mut self) -> io::Result<()> {
        if self.is_mid_row {
            return Ok(());
        }
        let wrapped = self.cursor / self.terminal.columns();
        if wrapped > 0 {
            let up = format!("\x1b[{wrapped}A");
            self.terminal.write(up.as_bytes()).await?;
        }
        self.terminal.write(b"\r\x1b[J").await?;
        self.draw("").await
    }

    /// Writes whole lines above the row of the prompt, and the row anew.
    async fn draw(&mut self, above: &str) -> io::Result<()> {
        if self.is_mid_row {
            return Ok(());
        }
        let columns = self.terminal.columns();
        let prompt = if columns > PROMPT.len() + 8 {
            PROMPT
        } else {
            ""
        };
        let (text, column) = self.editor.view(columns - prompt.len());
        let mut drawn = format!("\r\x1b[K{above}");
        if !above.is_empty() && !above.ends_with('\n') {
            drawn.push('\n');
        }
        let _ = write!(drawn, "\x1b[1m{prompt}\x1b[0m{text}\r");
        self.cursor = prompt.len() + column;
        if self.cursor > 0 {
            let _ = write!(drawn, "\x1b[{}C", self.cursor);
        }
        self.terminal.write(drawn.as_bytes()).await
    }

    /// False where the queue is full: it belongs to a session that does not answer, or not as fast as somebody pastes.
    fn ask(&self, request: Request) -> bool {
        self.session.requests.try_send(request).is_ok()
    }
}

/// However it ends, nothing that has been logged is lost: a panic of its own, say.
impl Drop for Prompt {
    fn drop(&mut self) {
        while let Some(line) = next_now(&mut self.lines) {
            self.terminal
                .write_now(format!("\r\x1b[K{line}").as_bytes());
        }
    }
}

/// What has come already, however much that is.
fn next_now(lines: &mut BoxStream<'static, String>) -> Option<String> {
    unconstrained(lines.next()).now_or_never().flatten()
}

/// A line's beginning, where it would fill the screen, as one with a backtrace would; `tail` tells all of it.
fn cut(mut line: String) -> String {
    if line.len() <= LONGEST_SHOWN {
        return line;
    }
    let mut end = line.floor_char_boundary(LONGEST_SHOWN);
    // Not in the middle of a colour.
    if let Some(escape) = line[..end].rfind('\x1b')
        && !line[escape..end].contains('m')
    {
        end = escape;
    }
    line.truncate(end);
    line + "\x1b[0m … (`tail` tells the rest)\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_would_fill_the_screen_is_cut_and_never_within_a_colour() {
        let short = "é".repeat(LONGEST_SHOWN / 2);
        assert_eq!(cut(short.clone()), short);
        let ends = "\x1b[0m … (`tail` tells the rest)\n";
        let before = "x".repeat(LONGEST_SHOWN - 2);
        assert_eq!(cut(format!("{before}\x1b[31mé")), before.clone() + ends);
        assert_eq!(cut(format!("{before}xé")), before + "x" + ends);
    }
}
