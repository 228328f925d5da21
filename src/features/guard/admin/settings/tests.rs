use super::*;

fn set(command: &str) -> Option<Settings> {
    let (word, value) = command.split_once(' ').unwrap();
    let mut settings = Settings::default();
    Setting::of_word(word).unwrap().set(&mut settings, value)?;
    Some(settings)
}

#[test]
fn what_is_typed_is_set() {
    assert!(set("switch on").unwrap().is_on);
    assert_eq!(set("captcha emoji").unwrap().captcha, Kind::Emoji);
    assert_eq!(set("warnings 0").unwrap().warnings, 0);
    assert_eq!(set("deadline 1h 30m").unwrap().deadline, HOUR + 30 * MINUTE);
    assert_eq!(set("scan 4h").unwrap().scan_every, Some(4 * HOUR));
    assert_eq!(set("scan off").unwrap().scan_every, None);
    assert_eq!(set("zone Asia/Kolkata").unwrap().zone, "Asia/Kolkata");
    assert_eq!(set("language zh").unwrap().language, Language::Chinese);
    assert_eq!(set("raid 1000").unwrap().raid_limit, 1_000);
    assert!(set("approvefirst on").unwrap().approve_first);
    for quiet in ["quiet 22-8", "quiet 22–08", "quiet 22:00 - 08:00"] {
        assert_eq!(set(quiet).unwrap().quiet, Some((22, 8)), "{quiet}");
    }
}

#[test]
fn what_is_out_of_range_is_refused() {
    let refused = [
        "switch maybe",
        "captcha riddle",
        "warnings 11",
        "warnings -1",
        "attempts 0",
        "deadline 59s",
        "deadline 31d",
        "deadline soon",
        "scan 29m",
        "scan 8d",
        "quiet 24-8",
        "quiet 8-8",
        "quiet 22",
        "zone Berlin",
        "zone Europe/Berln",
        "language fr",
        "raid 1",
        "raid 1001",
    ];
    for command in refused {
        assert_eq!(set(command), None, "{command}");
    }
}

#[test]
fn every_example_is_a_value() {
    for setting in Setting::ALL {
        let example = setting.example();
        let words = example.strip_prefix("/guard ").unwrap();
        let value = words.strip_prefix(setting.word()).unwrap_or(words);
        assert!(
            setting.set(&mut Settings::default(), value).is_some(),
            "{example}"
        );
    }
}

#[test]
fn a_button_comes_round() {
    for setting in Setting::ALL {
        let mut settings = Settings::default();
        let mut labels = Vec::new();
        loop {
            let label = setting.label(&settings);
            if labels.contains(&label) {
                assert_eq!(
                    labels[0], label,
                    "{setting:?}: it comes back to where it began"
                );
                break;
            }
            labels.push(label);
            setting.go_on(&mut settings);
        }
        assert!(labels.len() > 1, "{setting:?}");
    }
}

#[test]
fn a_value_that_no_button_has_goes_on_to_the_first() {
    let mut settings = set("warnings 7").unwrap();
    Setting::Warnings.go_on(&mut settings);
    assert_eq!(settings.warnings, WARNINGS[0]);
}
