//! How the browser is started: its command line and its environment.

use std::env;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::geteuid;

use super::PageError;
use super::settings::{ChromiumSettings, installed, is_program};

/// The browser speaks through descriptors 3 and 4, and standard input and output are what a process can be given without
/// `unsafe`; a shell moves them. A pipe, and not a port: everybody on this machine could speak to that. And when this
/// process dies the pipe closes, which ends the browser as well.
const MOVE_PIPES: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

/// Always given. What is not for a page's sake keeps the browser from talking to its maker.
const FLAGS: &[&str] = &[
    "--headless",
    "--remote-debugging-pipe",
    "--no-startup-window",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--noerrdialogs",
    "--mute-audio",
    "--hide-scrollbars",
    "--deny-permission-prompts",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-file-system",
    "--disable-gpu",
    "--disable-notifications",
    "--disable-quic",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--metrics-recording-only",
    "--password-store=basic",
    "--disk-cache-size=33554432",
    "--js-flags=--max-old-space-size=512",
    // Parts of the window that nobody sees, which would be pages of their own; and what asks the maker's servers.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,Translate,OptimizationHints,\
     MediaRouter,DialMediaRouteProvider,CertificateTransparencyComponentUpdater,AutofillServerCommunication",
];

/// Everything about a start that is the same for all pages.
#[derive(Debug)]
pub(super) struct Launch {
    settings: ChromiumSettings,
    confine: Vec<OsString>,
}

impl Launch {
    /// # Errors
    /// Where this program does not know its own path.
    pub(super) fn new(settings: ChromiumSettings) -> io::Result<Self> {
        let confine = match &settings.confine {
            Some(confine) => confine.clone(),
            None => vec![env::current_exe()?.into(), "confine".into()],
        };
        Ok(Self { settings, confine })
    }

    /// The user that the browser is to have, where it is another.
    pub(super) fn user(&self) -> Option<u32> {
        let user = self.settings.user?;
        (geteuid().is_root() && !self.confine.is_empty()).then_some(user)
    }

    /// # Errors
    /// Where there is no browser, or none where one is said to be.
    pub(super) fn program(&self) -> Result<PathBuf, PageError> {
        match &self.settings.program {
            Some(program) if is_program(program) => Ok(program.clone()),
            Some(program) => Err(PageError::NoProgram(program.clone())),
            None => installed().ok_or(PageError::NotInstalled),
        }
    }

    /// The command, in a process group of its own; `way` is the page's own proxy. Its standard error is the caller's to give.
    pub(super) fn command(
        &self,
        program: &Path,
        profile: &Path,
        way: Option<SocketAddr>,
    ) -> Command {
        let mut words = self.confined();
        words.extend(["/bin/sh", "-c", MOVE_PIPES, "sh"].map(Into::into));
        words.push(program.into());
        words.extend(FLAGS.iter().map(Into::into));
        words.extend(self.flags(way).into_iter().map(Into::into));
        let mut data = OsString::from("--user-data-dir=");
        data.push(profile.join("data"));
        words.push(data);
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .current_dir(profile)
            // Tokens and keys are none of its business.
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("HOME", profile)
            .env("TMPDIR", profile)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        command
    }

    fn confined(&self) -> Vec<OsString> {
        let mut words = self.confine.clone();
        if words.is_empty() {
            return words;
        }
        words.extend(["--parent".into(), std::process::id().to_string().into()]);
        if let Some(user) = self.user() {
            words.extend(["--user".into(), user.to_string().into()]);
        }
        words.push("--".into());
        words
    }

    fn flags(&self, way: Option<SocketAddr>) -> Vec<String> {
        let (width, height) = self.settings.window;
        let mut flags = vec![format!("--window-size={width},{height}")];
        // Root cannot use it.
        let is_root = geteuid().is_root() && self.user().is_none();
        if !self.settings.is_sandboxed || is_root {
            flags.push("--no-sandbox".to_owned());
        }
        if let Some(proxy) = way.or(self.settings.proxy) {
            flags.push(format!("--proxy-server=http://{proxy}"));
            // Loopback would not go through it otherwise.
            flags.push("--proxy-bypass-list=<-loopback>".to_owned());
            // Calls between browsers go past a proxy, and so do names that are looked up ahead.
            flags.push("--webrtc-ip-handling-policy=disable_non_proxied_udp".to_owned());
            flags.push("--force-webrtc-ip-handling-policy=disable_non_proxied_udp".to_owned());
            flags.push(format!(
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {}",
                proxy.ip()
            ));
        }
        flags
    }
}
