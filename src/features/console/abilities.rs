//! What the console can do through other rooms. The composition root hands it over.

use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::lifecycle::Handle;
use crate::store::Store;

/// Something that is done and says how it went, for the operator.
pub type Doing = BoxFuture<'static, Result<String, String>>;
/// A text as it is written.
pub type Writing = BoxStream<'static, Result<String, String>>;
/// Sends a text to a chat.
pub type Say = Arc<dyn Fn(i64, String) -> Doing + Send + Sync>;
/// Tells of the groups that are known.
pub type Guard = Arc<dyn Fn() -> Doing + Send + Sync>;
/// Asks the model.
pub type Ask = Arc<dyn Fn(String) -> Writing + Send + Sync>;
/// Reads a web page, by its address.
pub type Read = Arc<dyn Fn(String) -> Doing + Send + Sync>;
/// Changes what is logged.
pub type Level = Arc<dyn Fn(&str) -> Result<String, String> + Send + Sync>;
/// The engine, which is open while any service runs.
pub type OpenStore = Arc<dyn Fn() -> Store + Send + Sync>;

/// All of it. What is none is said not to be built in.
#[derive(Clone)]
pub struct Abilities {
    /// The supervisor's.
    pub handle: Handle,
    /// The store of the process.
    pub store: OpenStore,
    /// Where that store is.
    pub state_dir: PathBuf,
    /// The log lines.
    pub lines: Lines,
    /// `level`.
    pub level: Level,
    /// `guard`.
    pub guard: Guard,
    /// `say`.
    pub say: Option<Say>,
    /// `ask`.
    pub ask: Option<Ask>,
    /// `read`.
    pub read: Option<Read>,
}

/// Log lines, without any secret in them, each with its line end.
#[derive(Clone)]
pub struct Lines {
    /// The last so many.
    pub recent: Arc<dyn Fn(usize) -> Vec<Arc<str>> + Send + Sync>,
    /// Those that come from now on. Whoever does not read misses some, and is told how many; the log waits for nobody.
    pub follow: Arc<dyn Fn() -> BoxStream<'static, String> + Send + Sync>,
    /// Keeps them off standard error for as long as what it returns lives: somebody else shows them on the same terminal.
    pub divert: Arc<dyn Fn() -> Box<dyn Send> + Send + Sync>,
}
