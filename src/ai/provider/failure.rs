//! Why one provider did not answer, for those who decide what comes next.

use std::time::Duration;

use crate::ai::Refusal;
use crate::ai::breaker::Fault;

/// A refusal, and whose fault it is.
#[derive(Debug)]
pub(in crate::ai) struct Failure {
    pub(in crate::ai) refusal: Box<Refusal>,
    pub(in crate::ai) blame: Blame,
    /// The HTTP status that the provider has answered with; where it has none, the one that is told instead.
    pub(super) status: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ai) enum Blame {
    /// The request's: another provider would say the same.
    Request,
    /// Nobody's: it does not have that model, or no answer that long; another one may.
    Model,
    /// The provider's.
    Provider(Fault),
    /// Nobody's: it was not asked, because it is put aside.
    Aside,
}

impl Failure {
    /// A failure of the provider, in words that begin with what it did: "fell silent".
    pub(super) fn failing(provider: &str, status: u16, what: &str) -> Self {
        let text = format!("provider `{provider}` {what}");
        Self {
            refusal: Box::new(Refusal {
                provider: Some(provider.to_owned()),
                ..Refusal::new(status, "server_error", text)
            }),
            blame: Blame::Provider(Fault::Failing),
            status,
        }
    }

    /// It is put aside for as long.
    pub(super) fn aside(provider: &str, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let what = format!(
            "is put aside because of what it answered before; ask again in {seconds} s, or ask another provider"
        );
        let mut failure = Self::failing(provider, 503, &what);
        failure.refusal.retry_after = Some(wait);
        failure.blame = Blame::Aside;
        failure
    }

    /// A refusal by something that answers here and has no HTTP status of its own making.
    pub(super) fn of(mut refusal: Box<Refusal>, provider: &str) -> Self {
        refusal.provider.get_or_insert_with(|| provider.to_owned());
        let blame = match refusal.status {
            429 => Blame::Provider(Fault::Limited(refusal.retry_after)),
            400..=499 if refusal.status != 408 => Blame::Request,
            _ => Blame::Provider(Fault::Failing),
        };
        let status = refusal.status;
        Self {
            refusal,
            blame,
            status,
        }
    }
}
