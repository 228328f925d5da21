//! One browser with one page in it, spoken to over the DevTools protocol.
//!
//! There is no task. Whoever waits for an answer handles what else comes meanwhile: dialogs are dismissed, for a page stands
//! still while one is open, but for the one that asks whether it may be left; other pages that this one opens are closed.

use serde_json::{Value, json};

use super::PageError;
use super::complaints::Complaints;
use super::keeper::{Group, Keeper};
use super::launch::Launch;
use super::scratch::Scratch;
use super::way::Way;
use super::wire::Wire;

/// A browser with a page. Dropped, all of its processes are killed and its profile is removed.
#[derive(Debug)]
pub(super) struct Tab {
    wire: Wire,
    /// None once it has been sent to a page, for what it says may be the page's then.
    complaints: Option<Complaints>,
    _group: Group,
    way: Option<Way>,
    sent: u64,
    /// Of the protocol, for the page; empty before there is one.
    session: String,
    target: String,
    pub(super) seen: Seen,
}

/// What events have told about the page.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The status of the document's answer.
    pub(super) status: Option<u16>,
    /// The page's own clock has run as far as it was to.
    pub(super) has_run_on: bool,
    /// Of the document or a part of it.
    pub(super) is_loading: bool,
    pub(super) is_download: bool,
}

impl Tab {
    /// Starts a browser with an empty page.
    pub(super) async fn open(
        launch: &Launch,
        scratch: &Scratch,
        keeper: &Keeper,
        way: Option<Way>,
    ) -> Result<Self, PageError> {
        let program = launch.program()?;
        let cannot = |error| PageError::Died(format!("cannot be started: {error}"));
        let profile = scratch.profile(launch.user()).map_err(cannot)?;
        let complaints = scratch.complaints().map_err(cannot)?;
        let mut command = launch.command(&program, profile.path(), way.as_ref().map(Way::address));
        command.stderr(complaints.stdio().map_err(cannot)?);
        let (group, stdin, stdout) = keeper.start(command, profile).await.map_err(cannot)?;
        let pipes = stdin
            .zip(stdout)
            .ok_or_else(|| cannot(std::io::ErrorKind::BrokenPipe.into()))?;
        let mut tab = Self {
            wire: Wire::new(
                tokio::process::ChildStdin::from_std(pipes.0).map_err(cannot)?,
                tokio::process::ChildStdout::from_std(pipes.1).map_err(cannot)?,
            ),
            complaints: Some(complaints),
            _group: group,
            way,
            sent: 0,
            session: String::new(),
            target: String::new(),
            seen: Seen::default(),
        };
        tab.set_up().await?;
        Ok(tab)
    }

    /// Whether the page that a browser has come to may be shown.
    pub(super) async fn judge(&self, url: &str) -> Result<(), PageError> {
        let Some(way) = &self.way else {
            return Ok(());
        };
        match way.judge(url).await {
            Some(why) => Err(PageError::Forbidden(why)),
            None => Ok(()),
        }
    }

    /// Whether the page wanted more bytes than it may have since it was gone to.
    pub(super) fn is_starved(&self) -> bool {
        self.way.as_ref().is_some_and(Way::is_used_up)
    }

    async fn set_up(&mut self) -> Result<(), PageError> {
        let deny = json!({ "behavior": "deny", "eventsEnabled": true });
        self.call("Browser.setDownloadBehavior", deny).await?;
        let target = self
            .call("Target.createTarget", json!({ "url": "about:blank" }))
            .await?;
        self.target = text(&target["targetId"]);
        let attach = json!({ "targetId": self.target, "flatten": true });
        let attached = self.call("Target.attachToTarget", attach).await?;
        self.session = text(&attached["sessionId"]);
        self.call("Page.enable", json!({})).await?;
        // Nothing of what is loaded is kept for somebody to ask for.
        let nothing = json!({ "maxTotalBufferSize": 0, "maxResourceBufferSize": 0 });
        self.call("Network.enable", nothing).await?;
        self.call("Target.setDiscoverTargets", json!({ "discover": true }))
            .await?;
        Ok(())
    }

    /// Goes to an address; resolves when an answer has begun to arrive.
    pub(super) async fn navigate(&mut self, url: &reqwest::Url) -> Result<(), PageError> {
        self.seen = Seen::default();
        self.complaints = None;
        if let Some(way) = &self.way {
            way.begin();
        }
        let went = self
            .call("Page.navigate", json!({ "url": url.as_str() }))
            .await?;
        if self.seen.is_download || went["isDownload"] == true {
            return Err(PageError::Download);
        }
        match went["errorText"].as_str() {
            Some(error) => Err(match self.way.as_ref().and_then(Way::refusal) {
                Some(why) => PageError::Forbidden(why),
                None => PageError::Unreachable(error.to_owned()),
            }),
            None => Ok(()),
        }
    }

    /// Evaluates an expression in the page, out of its scripts' reach, and returns its value.
    pub(super) async fn evaluate(&mut self, expression: &str) -> Result<Value, PageError> {
        let tree = self.call("Page.getFrameTree", json!({})).await?;
        let frame = &tree["frameTree"]["frame"]["id"];
        let world = json!({ "frameId": frame, "worldName": "reader" });
        let world = self.call("Page.createIsolatedWorld", world).await?;
        let question = json!({
            "expression": expression,
            "contextId": world["executionContextId"],
            "returnByValue": true,
            "userGesture": true,
        });
        let method = "Runtime.evaluate";
        let answer = self.call(method, question).await?;
        // What it says may be the page's; what it is called is not.
        match answer["exceptionDetails"]["exception"]["className"].as_str() {
            Some(why) => Err(PageError::Refused {
                method,
                why: why.to_owned(),
            }),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// Asks the browser something and waits for its answer.
    ///
    /// # Cancel safety
    /// The question stays asked; its answer is passed over later.
    pub(super) async fn call(
        &mut self,
        method: &'static str,
        parameters: Value,
    ) -> Result<Value, PageError> {
        let number = self.send(method, &parameters);
        loop {
            let mut message = self.receive().await?;
            if message["id"] != number {
                self.react(&message)?;
            } else if let Some(why) = message["error"]["message"].as_str() {
                let why = why.to_owned();
                return Err(PageError::Refused { method, why });
            } else {
                return Ok(message["result"].take());
            }
        }
    }

    /// Handles what comes until the events have told this.
    pub(super) async fn until(&mut self, is_so: impl Fn(&Seen) -> bool) -> Result<(), PageError> {
        while !is_so(&self.seen) {
            let message = self.receive().await?;
            self.react(&message)?;
        }
        Ok(())
    }

    fn send(&mut self, method: &str, parameters: &Value) -> u64 {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": parameters });
        let is_the_browsers = method.starts_with("Target.") || method.starts_with("Browser.");
        if !self.session.is_empty() && !is_the_browsers {
            message["sessionId"] = json!(self.session);
        }
        self.wire.send(&message);
        self.sent
    }

    async fn receive(&mut self) -> Result<Value, PageError> {
        let received = self.wire.receive().await;
        received.map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::BrokenPipe => {
                PageError::Died(self.last_words())
            }
            std::io::ErrorKind::FileTooLarge => PageError::TooLarge,
            _ => PageError::Died(error.to_string()),
        })
    }

    fn react(&mut self, message: &Value) -> Result<(), PageError> {
        let about = &message["params"];
        match message["method"].as_str().unwrap_or_default() {
            "Page.javascriptDialogOpening" => {
                // Whether a page may be left is asked in a dialog too, and dismissed would mean to stay.
                let accept = about["type"] == "beforeunload";
                self.send("Page.handleJavaScriptDialog", &json!({ "accept": accept }));
            }
            "Target.targetCreated" => self.close_other(&about["targetInfo"]),
            "Network.responseReceived"
                if about["type"] == "Document" && about["frameId"] == *self.target =>
            {
                let status = about["response"]["status"].as_u64();
                self.seen.status = status.and_then(|status| status.try_into().ok());
            }
            "Emulation.virtualTimeBudgetExpired" => self.seen.has_run_on = true,
            "Page.frameStartedLoading" if about["frameId"] == *self.target => {
                self.seen.is_loading = true;
            }
            "Page.frameStoppedLoading" if about["frameId"] == *self.target => {
                self.seen.is_loading = false;
            }
            "Browser.downloadWillBegin" => self.seen.is_download = true,
            "Inspector.targetCrashed" => return Err(PageError::Crashed),
            "Target.targetCrashed" if about["targetId"] == *self.target => {
                return Err(PageError::Crashed);
            }
            _ => {}
        }
        Ok(())
    }

    fn close_other(&mut self, info: &Value) {
        if info["type"] == "page" && info["targetId"] != *self.target {
            self.send(
                "Target.closeTarget",
                &json!({ "targetId": info["targetId"] }),
            );
        }
    }

    /// How it ended; while it starts in its own words.
    fn last_words(&self) -> String {
        match self.complaints.as_ref().and_then(Complaints::last) {
            Some(line) => format!("ended by itself; its last words: {line}"),
            None => "ended by itself".to_owned(),
        }
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
