//! Every text in every language, also with the names that people choose to break things.

use std::time::Duration;

use fastrand::Rng;

use super::*;
use crate::features::guard::captcha::{Challenge, Kind};

const MINUTES: Duration = Duration::from_secs(300);

/// Names that would break a message which believed them.
fn hostile() -> Vec<String> {
    [
        "<b>",
        "</a>",
        "&",
        "&amp;",
        "\"",
        "'><script>",
        "\u{202e}evil",
        "👨‍👩‍👧 🎉",
        "",
        " \n\t",
        "\u{3164}",
        "\u{200b}\u{200d}",
        "a\nb",
        "שלום",
        "مرحبا",
        "Z\u{300}\u{301}\u{302}\u{303}\u{304}algo",
        "t.me/spam",
        "@spammer",
        "普通名字",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([
        "x".repeat(10_000),
        "<".repeat(10_000),
        "&\u{202e}".repeat(10_000),
        "🎉".repeat(10_000),
    ])
    .collect()
}

fn people(names: &[String], count: usize) -> Vec<Person> {
    let named = names.iter().cycle().take(count).enumerate();
    named
        .map(|(place, name)| Person {
            id: 7_000_000_000 + place as i64,
            name: name.clone(),
        })
        .collect()
}

/// Every text, with this word wherever somebody else's may stand and with so many people.
fn each(word: &str, people: &[Person], check: &mut dyn FnMut(&Text<'_>)) {
    let (group, more, time, person) = (word, people.len() / 2, MINUTES, &people[0]);
    let waiting: Vec<_> = people.iter().map(|person| (person.clone(), time)).collect();
    let states = [
        ScanState::Waiting,
        ScanState::Running,
        ScanState::Done,
        ScanState::Failed,
        ScanState::Cancelled,
    ];
    let scans: Vec<_> = (0..people.len())
        .map(|n| GroupScan {
            title: word,
            done: n,
            of: n + 1,
            state: states[n % 5],
        })
        .collect();
    let tallies: Vec<_> = (0..people.len())
        .map(|n| Tally {
            title: word,
            unverified: n,
            warned: 1,
            removed: 0,
            failed: (n % 2 == 0).then_some(word),
        })
        .collect();
    let known = [KnownGroup {
        title: word,
        is_on: true,
        pending: 2,
    }];
    let mut texts = vec![
        Text::Prompt { people, more, time },
        Text::Prompt {
            people,
            more: 0,
            time,
        },
        Text::RaidPrompt {
            people: people.len(),
            time,
        },
        Text::PassedNotice { person },
        Text::Approved { person, by: person },
        Text::ScanList {
            people,
            more,
            left: 1,
        },
        Text::FinalNotice { people, more },
        Text::Removed {
            people,
            more,
            back_after: Duration::from_secs(60),
        },
        Text::JoinRequest { person },
        Text::Passed { group },
        Text::Wrong { left: 2 },
        Text::OutOfAttempts { group },
        Text::TooLate { group },
        Text::NothingToVerify,
        Text::AlreadyPassed { group },
        Text::ScanProgress {
            groups: &scans,
            more,
        },
        Text::ScanSummary {
            groups: &tallies,
            more,
            took: time,
            cancelled: false,
        },
        Text::ScanSummary {
            groups: &tallies,
            more,
            took: time,
            cancelled: true,
        },
        Text::ScanCancelled,
        Text::ScanNothing,
        Text::ScanRunning,
        Text::Menu { group },
        Text::Help,
        Text::BasicGroup,
        Text::Rights { missing: &[] },
        Text::Rights {
            missing: &[
                Right::RestrictMembers,
                Right::DeleteMessages,
                Right::InviteUsers,
            ],
        },
        Text::RightsIn {
            group,
            missing: &[Right::DeleteMessages],
        },
        Text::SwitchedOff { let_go: 0 },
        Text::SwitchedOff { let_go: 2 },
        Text::BadValue {
            setting: "warnings",
            said: word,
            takes: "0–10",
            example: "/guard warnings 3",
        },
        Text::NoSuchSetting {
            said: word,
            known: "on, off",
        },
        Text::Groups {
            groups: &[],
            more: 0,
        },
        Text::Groups {
            groups: &known,
            more,
        },
        Text::NoSuchPerson,
        Text::Pending {
            people: &[],
            more: 0,
        },
        Text::Pending {
            people: &waiting,
            more,
        },
        Text::Stats {
            stats: Stats {
                pending: 1,
                passed: u64::MAX,
                ..Stats::default()
            },
        },
        Text::Trusted { person },
        Text::Untrusted { person },
        Text::RaidBegun {
            group,
            joins: 40,
            declines: true,
        },
        Text::RaidBegun {
            group,
            joins: 40,
            declines: false,
        },
        Text::RaidEnded {
            group,
            joins: 400,
            lasted: time,
        },
    ];
    for end in [End::Approved, End::Declined, End::Expired] {
        texts.push(Text::YourRequestEnded { group, end });
    }
    for would in [
        Would::Mute,
        Would::Unmute,
        Would::Warn,
        Would::Remove,
        Would::Approve,
        Would::Decline,
    ] {
        texts.push(Text::DryRun {
            would,
            people,
            more,
        });
    }
    texts.iter().for_each(&mut *check);
    let mut dice = Rng::with_seed(7);
    for kind in Kind::ALL {
        let challenge = Challenge::new(kind, &mut dice);
        let alternative = challenge.text_alternative(&mut dice);
        for challenge in [&challenge, &alternative] {
            check(&Text::Challenge {
                challenge,
                group,
                time,
            });
        }
    }
}

fn labels() -> Vec<Label<'static>> {
    let mut labels = vec![
        Label::Verify,
        Label::Human,
        Label::CannotSee,
        Label::Approve,
        Label::Reject,
        Label::CancelScan,
        Label::UseTheLink,
        Label::NotForYou,
        Label::Passed,
        Label::TooLate,
        Label::AdministratorsOnly,
        Label::Switch(true),
        Label::Switch(false),
        Label::Warnings(3),
        Label::Deadline(MINUTES),
        Label::Attempts(3),
        Label::ScanEvery(None),
        Label::ScanEvery(Some(MINUTES)),
        Label::QuietHours(None),
        Label::QuietHours(Some("22:00–08:00")),
        Label::TimeZone("Asia/Shanghai"),
        Label::Language,
        Label::DryRun(true),
        Label::RaidLimit(None),
        Label::RaidLimit(Some(10)),
        Label::DeclineInRaids(false),
        Label::ApproveFirst(true),
        Label::Close,
    ];
    labels.extend(Kind::ALL.map(Label::Captcha));
    labels
}

/// What is wrong with a message as Telegram's HTML, if anything is.
fn fault(html: &str) -> Option<String> {
    let mut open = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '>', '&']) {
        let from = &rest[at..];
        let end = match &from[..1] {
            "<" => from.find('>'),
            "&" => ["&lt;", "&gt;", "&amp;"]
                .iter()
                .find(|e| from.starts_with(**e))
                .map(|e| e.len() - 1),
            _ => None,
        };
        let Some(end) = end else {
            return Some(format!("bare {from:.40}"));
        };
        let token = &from[..=end];
        let digits = token
            .strip_prefix("<a href=\"tg://user?id=")
            .and_then(|t| t.strip_suffix("\">"));
        match token {
            "<b>" | "<code>" => open.push(token.trim_matches(['<', '>'])),
            "</b>" | "</code>" | "</a>" => {
                let closed = token.trim_matches(['<', '/', '>']);
                if open.pop() != Some(closed) {
                    return Some(format!("{token} closes nothing"));
                }
            }
            _ if digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit())) => {
                open.push("a")
            }
            "&lt;" | "&gt;" | "&amp;" => {}
            other => return Some(format!("tag {other}")),
        }
        rest = &from[end + 1..];
    }
    (!open.is_empty()).then(|| format!("{open:?} stay open"))
}

/// The same, and that it is not too long and turns or hides nothing.
fn check(html: &str) {
    assert_eq!(fault(html), None, "{html}");
    assert!(!html.trim().is_empty());
    assert!(
        html.encode_utf16().count() <= 4096,
        "{} units",
        html.encode_utf16().count()
    );
    let turning = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}'..='\u{200f}');
    assert!(!html.contains(turning), "{html}");
    assert_eq!(
        html.matches('\u{2068}').count(),
        html.matches('\u{2069}').count()
    );
}

#[test]
fn the_check_of_html_finds_what_telegram_refuses() {
    for wrong in [
        "<",
        ">",
        "a & b",
        "&quot;",
        "<b>",
        "</b>",
        "<b><code></b></code>",
        "<i>x</i>",
        "<a href=\"http://x\">x</a>",
    ] {
        assert!(fault(wrong).is_some(), "{wrong}");
    }
    assert_eq!(
        fault("<b>1 &lt; 2</b> <a href=\"tg://user?id=5\">x</a>"),
        None
    );
}

#[test]
fn every_text_is_well_formed_html_whatever_people_are_called() {
    for language in Language::ALL {
        for name in hostile() {
            let people = people(std::slice::from_ref(&name), 3);
            each(&name, &people, &mut |text| check(&language.say(text)));
        }
    }
}

#[test]
fn every_text_fits_into_a_message_with_a_thousand_people() {
    let names = hostile();
    for language in Language::ALL {
        for word in ["Group", &"<".repeat(10_000)] {
            each(word, &people(&names, 1_000), &mut |text| {
                check(&language.say(text))
            });
        }
        let worst = people(&["&".repeat(10_000)], 1_000);
        each("Group", &worst, &mut |text| check(&language.say(text)));
    }
}

#[test]
fn every_text_and_label_is_another_in_each_language() {
    let people = people(&["Ann".to_owned()], 2);
    each("Group", &people, &mut |text| {
        let [english, chinese] = Language::ALL.map(|language| language.say(text));
        assert_ne!(english, chinese);
        assert!(english.is_ascii() || !english.contains(is_han), "{english}");
        assert!(chinese.contains(is_han), "{chinese}");
    });
    for label in labels().iter() {
        let [english, chinese] = Language::ALL.map(|language| language.label(label));
        assert!(
            !english.contains(is_han) && chinese.contains(is_han),
            "{english} {chinese}"
        );
    }
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}')
}

#[test]
fn labels_are_plain_short_and_never_empty() {
    for language in Language::ALL {
        for label in labels() {
            let text = language.label(&label);
            assert!(
                !text.trim().is_empty() && text.chars().count() <= 64,
                "{text}"
            );
            assert!(!text.contains("&lt;") && !text.contains('\n'), "{text}");
        }
    }
}

#[test]
fn a_list_is_cut_and_says_how_many_are_left_out() {
    let people = people(&["Ann".to_owned()], 60);
    let text = Language::English.say(&Text::FinalNotice {
        people: &people,
        more: 40,
    });
    assert!(text.starts_with("100 people have not verified"), "{text}");
    assert!(text.ends_with(" and 50 more."), "{text}");
    let text = Language::Chinese.say(&Text::FinalNotice {
        people: &people,
        more: 40,
    });
    assert!(text.ends_with("和另外 50 人。"), "{text}");
}

#[test]
fn names_read_as_a_sentence() {
    let said = |count: usize, more: usize| {
        let people = people(
            &["Ann".to_owned(), "Bob".to_owned(), "Eve".to_owned()],
            count,
        );
        let text = Language::English.say(&Text::FinalNotice {
            people: &people,
            more,
        });
        let text = text.split(": ").nth(1).unwrap().to_owned();
        text.split('<')
            .map(|part| part.rsplit('>').next().unwrap())
            .collect::<String>()
    };
    assert_eq!(said(1, 0), "Ann.");
    assert_eq!(said(2, 0), "Ann and Bob.");
    assert_eq!(said(3, 0), "Ann, Bob and Eve.");
    assert_eq!(said(2, 5), "Ann, Bob and 5 more.");
}

#[test]
fn a_name_is_cleaned_cut_and_replaced_where_it_shows_nothing_or_advertises() {
    let shown = |name: &str| {
        let person = Person {
            id: 5,
            name: name.to_owned(),
        };
        let mention = person.mention("someone");
        let inner = mention.strip_prefix("<a href=\"tg://user?id=5\">").unwrap();
        inner.strip_suffix("</a>").unwrap().to_owned()
    };
    assert_eq!(shown("  Ann \n Lee "), "Ann Lee");
    assert_eq!(shown("A & <B>"), "A &amp; &lt;B&gt;");
    assert_eq!(shown("\u{202e}Ann\u{200b}"), "Ann");
    assert_eq!(shown(&"x".repeat(33)), format!("{}…", "x".repeat(31)));
    assert_eq!(shown(&"x".repeat(32)), "x".repeat(32));
    assert_eq!(shown("e\u{302}\u{301}\u{300}\u{303}"), "e\u{302}\u{301}");
    assert_eq!(shown("שלום"), "\u{2068}שלום\u{2069}");
    for name in [
        "",
        "\u{3164}\u{2800}",
        "t.me/spam",
        "https://x",
        "join @spam",
        "WWW.x.y",
    ] {
        assert_eq!(shown(name), "someone", "{name}");
    }
}

#[test]
fn spans_are_told_in_words() {
    let said = |s: u64| {
        Language::ALL.map(|language| language.label(&Label::Deadline(Duration::from_secs(s))))
    };
    for (s, english, chinese) in [
        (0, "1 second", "1 秒"),
        (60, "1 minute", "1 分钟"),
        (90, "1 minute 30 seconds", "1 分钟 30 秒"),
        (300, "5 minutes", "5 分钟"),
        (3_600, "1 hour", "1 小时"),
        (5_400, "1 hour 30 minutes", "1 小时 30 分钟"),
        (86_400, "24 hours", "24 小时"),
        (172_800, "2 days", "2 天"),
    ] {
        assert_eq!(
            said(s),
            [
                format!("Time to answer: {english}"),
                format!("验证时限：{chinese}")
            ]
        );
    }
}

#[test]
fn the_language_follows_that_of_the_app() {
    for (code, language) in [
        (Some("zh"), Language::Chinese),
        (Some("zh-hans"), Language::Chinese),
        (Some("ZH_CN"), Language::Chinese),
        (Some("en"), Language::English),
        (Some("de"), Language::English),
        (Some("zha"), Language::English),
        (None, Language::English),
    ] {
        assert_eq!(Language::of_code(code), language, "{code:?}");
    }
    assert_eq!(Language::English.next().next(), Language::English);
}

#[test]
fn sums_in_words_hold_no_digits() {
    let mut dice = Rng::with_seed(7);
    let picture = Challenge::new(Kind::Image, &mut dice);
    for _ in 0..500 {
        let challenge = picture.text_alternative(&mut dice);
        for language in Language::ALL {
            let text = language.say(&Text::Challenge {
                challenge: &challenge,
                group: "Group",
                time: MINUTES,
            });
            let question = text.lines().next().unwrap();
            assert!(
                !question.contains(|c: char| c.is_ascii_digit()),
                "{question}"
            );
        }
    }
}

#[test]
fn a_dry_run_is_told_by_its_first_words() {
    let people = people(&["Ann".to_owned()], 1);
    let text = Text::DryRun {
        would: Would::Remove,
        people: &people,
        more: 0,
    };
    assert!(
        Language::English
            .say(&text)
            .starts_with("[dry run] would remove <a")
    );
}
