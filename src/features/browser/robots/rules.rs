//! The rules of a `robots.txt` that are meant for one product.

use url::Url;

/// How many rules of a site are kept, from the first one on. Each is held against each path, so they are a matter of time.
pub(super) const RULES: usize = 1_000;
/// How many bytes they have together, at most.
const RULES_BYTES: usize = 128 << 10;
/// A longer path is held against no rule: where there are any, it may not be fetched.
pub(super) const PATH_BYTES: usize = 8 << 10;

/// What one product may fetch of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    allows: bool,
    /// As [`normal`] writes it, with its stars.
    pattern: String,
    /// It ended with `$`: the path has to end there too.
    is_whole: bool,
}

/// Of a line, what it is about.
enum Line<'a> {
    Agent(&'a str),
    Rule { allows: bool, path: &'a str },
}

impl Rules {
    pub(super) fn allow_all() -> Self {
        Self::default()
    }

    /// The rules of every group that names the product (in lower case), and where none does of every group for all.
    pub(super) fn read(bytes: &[u8], product: &str) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{feff}');
        let (mut ours, mut everybodys) = (None::<Kept>, Kept::default());
        let (mut is_ours, mut is_everybodys, mut names_agents) = (false, false, false);
        for line in text.split(['\n', '\r']).filter_map(read) {
            match line {
                Line::Agent(agent) => {
                    if !names_agents {
                        (is_ours, is_everybodys) = (false, false);
                    }
                    names_agents = true;
                    is_everybodys |= agent.starts_with('*');
                    if token(agent).eq_ignore_ascii_case(product) {
                        is_ours = true;
                        ours.get_or_insert_default();
                    }
                }
                Line::Rule { allows, path } => {
                    names_agents = false;
                    // An empty one says nothing.
                    if path.is_empty() {
                        continue;
                    }
                    if is_ours {
                        ours.get_or_insert_default().push(allows, path);
                    }
                    if is_everybodys {
                        everybodys.push(allows, path);
                    }
                }
            }
        }
        Self(ours.unwrap_or(everybodys).rules)
    }

    /// The longest rule that matches decides; of two as long, the one that allows; where there is none, it may be fetched.
    pub(super) fn allow(&self, url: &Url) -> bool {
        let length = url.path().len() + url.query().map_or(0, str::len);
        if length > PATH_BYTES {
            return self.0.is_empty();
        }
        let mut path = url.path().to_owned();
        if let Some(query) = url.query() {
            path.push('?');
            path.push_str(query);
        }
        // A star stands for anything in a rule alone; where it is meant, it is written as its escape there.
        let path = normal(&path).replace('*', "%2A");
        if path == "/robots.txt" {
            return true;
        }
        let matching = self.0.iter().filter(|rule| rule.matches(&path));
        let deciding = matching.max_by_key(|rule| (rule.pattern.len(), rule.allows));
        deciding.is_none_or(|rule| rule.allows)
    }
}

/// The rules of a group until there is no more room.
#[derive(Default)]
struct Kept {
    rules: Vec<Rule>,
    bytes: usize,
}

impl Kept {
    fn push(&mut self, allows: bool, path: &str) {
        // A byte may be written as three.
        let has_room = self.rules.len() < RULES && self.bytes + 3 * path.len() <= RULES_BYTES;
        if has_room {
            let rule = Rule::new(allows, path);
            self.bytes += rule.pattern.len();
            self.rules.push(rule);
        }
    }
}

impl Rule {
    fn new(allows: bool, path: &str) -> Self {
        let bare = path.strip_suffix('$');
        Self {
            allows,
            pattern: normal(bare.unwrap_or(path)),
            is_whole: bare.is_some(),
        }
    }

    /// What stands between two stars is looked for from left to right, so it takes no longer than the path is long.
    fn matches(&self, path: &str) -> bool {
        let mut parts = self.pattern.split('*');
        let Some(mut rest) = path.strip_prefix(parts.next().unwrap_or_default()) else {
            return false;
        };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return !self.is_whole || rest.is_empty();
        }
        while let Some(part) = parts.next() {
            if self.is_whole && parts.peek().is_none() {
                return rest.ends_with(part);
            }
            match rest.find(part) {
                Some(place) => rest = &rest[place + part.len()..],
                None => return false,
            }
        }
        true
    }
}

fn read(line: &str) -> Option<Line<'_>> {
    let line = line.split('#').next().unwrap_or_default();
    let (key, value) = line.split_once(':')?;
    let (key, value) = (key.trim(), value.trim());
    let is = |name: &str| key.eq_ignore_ascii_case(name);
    match () {
        () if is("user-agent") => Some(Line::Agent(value)),
        () if is("allow") => Some(Line::Rule {
            allows: true,
            path: value,
        }),
        () if is("disallow") => Some(Line::Rule {
            allows: false,
            path: value,
        }),
        // Sitemaps and the like belong to no group, and end none.
        () => None,
    }
}

/// The product's name, without its version.
fn token(agent: &str) -> &str {
    let is_of_a_token = |letter: char| letter.is_ascii_alphabetic() || matches!(letter, '-' | '_');
    let end = agent.find(|letter| !is_of_a_token(letter));
    &agent[..end.unwrap_or(agent.len())]
}

/// A path in one spelling: what need not be escaped is not, what is no ASCII is, and escapes are in upper case.
fn normal(path: &str) -> String {
    let mut normal = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        let escaped = match (byte, after) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                rest = &after[2..];
                let byte = high << 4 | low;
                let is_plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
                push(&mut normal, byte, is_plain);
            }
            // A rule's last one says that a path ends there, and has been taken off.
            None => push(&mut normal, *byte, byte.is_ascii() && *byte != b'$'),
        }
    }
    normal
}

fn push(text: &mut String, byte: u8, is_plain: bool) {
    if is_plain {
        text.push(char::from(byte));
    } else {
        text.push_str(&format!("%{byte:02X}"));
    }
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}
