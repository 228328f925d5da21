//! The challenges, over thousands of dice.

use std::collections::HashSet;

use fastrand::Rng;

use super::*;

const SEEDS: u64 = 4_000;

fn challenges(kind: Kind) -> impl Iterator<Item = Challenge> {
    (0..SEEDS).map(move |seed| Challenge::new(kind, &mut Rng::with_seed(seed)))
}

fn challenge(kind: Kind) -> Challenge {
    Challenge::new(kind, &mut Rng::with_seed(7))
}

/// What a person with eyes would type.
fn answer(challenge: &Challenge) -> &str {
    match &challenge.question {
        Question::Code(code) => code,
        Question::Image(drawing) => drawing.code(),
        _ => panic!("this is answered with a button"),
    }
}

#[test]
fn options_are_distinct_and_exactly_one_is_right() {
    for (kind, count) in [(Kind::Button, 1), (Kind::Arithmetic, 6), (Kind::Emoji, 8)] {
        for challenge in challenges(kind) {
            let distinct: HashSet<&String> = challenge.options.iter().collect();
            assert_eq!(distinct.len(), count, "{:?}", challenge.options);
            let right = (0..count + 3).filter(|index| challenge.is_right_option(*index));
            assert_eq!(right.count(), 1, "{:?}", challenge.options);
        }
    }
}

#[test]
fn the_right_option_is_in_every_place_equally_often() {
    for (kind, count) in [(Kind::Arithmetic, 6), (Kind::Emoji, 8)] {
        let mut places = vec![0_usize; count];
        for challenge in challenges(kind) {
            let right = (0..count).find(|index| challenge.is_right_option(*index));
            places[right.unwrap()] += 1;
        }
        let fair = SEEDS as usize / count;
        assert!(
            places.iter().all(|times| times.abs_diff(fair) < fair / 5),
            "{kind:?}: {places:?}"
        );
    }
}

#[test]
fn the_result_is_as_often_the_smallest_or_the_largest_as_in_the_middle() {
    let mut ranks = [0_usize; 6];
    let fair = SEEDS as usize / ranks.len();
    for challenge in challenges(Kind::Arithmetic) {
        let number = |option: &String| option.parse::<u8>().unwrap();
        let right = (0..6).find(|index| challenge.is_right_option(*index));
        let right = number(&challenge.options[right.unwrap()]);
        ranks[challenge
            .options
            .iter()
            .filter(|o| number(o) < right)
            .count()] += 1;
    }
    assert!(
        ranks.iter().all(|times| times.abs_diff(fair) < fair / 5),
        "{ranks:?}"
    );
}

#[test]
fn every_number_of_a_sum_is_small_and_positive() {
    for challenge in challenges(Kind::Arithmetic) {
        let Question::Sum(sum) = challenge.question else {
            panic!("not a sum")
        };
        assert!((1..=20).contains(&sum.left) && (1..=20).contains(&sum.right));
        assert!((6..=81).contains(&sum.result()));
        assert!(
            challenge
                .options
                .iter()
                .all(|option| option.parse::<u8>().unwrap() > 0)
        );
    }
}

#[test]
fn a_number_may_be_typed_and_must_be_all_of_the_message() {
    for challenge in challenges(Kind::Arithmetic).take(200) {
        let Question::Sum(sum) = challenge.question else {
            panic!("not a sum")
        };
        let right = sum.result();
        let wide: String = right
            .to_string()
            .chars()
            .map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap())
            .collect();
        assert!(challenge.is_right_text(&right.to_string()));
        assert!(challenge.is_right_text(&format!(" {wide}\n")));
        for wrong in [
            format!("{right}3"),
            format!("1{right}"),
            (right + 1).to_string(),
            String::new(),
        ] {
            assert!(!challenge.is_right_text(&wrong), "{wrong} for {right}");
        }
    }
}

#[test]
fn an_emoji_may_be_typed() {
    let challenge = challenge(Kind::Emoji);
    let Question::Emoji(right) = challenge.question else {
        panic!("not an emoji")
    };
    for emoji in Emoji::ALL {
        assert_eq!(challenge.is_right_text(emoji.symbol()), emoji == right);
    }
}

#[test]
fn a_code_passes_in_any_case_width_and_spacing_and_within_a_pasted_message() {
    for kind in [Kind::Code, Kind::Image] {
        for challenge in challenges(kind).take(200) {
            let code = answer(&challenge);
            let spaced = code.chars().map(|c| format!("{c} ")).collect::<String>();
            let wide: String = code
                .to_lowercase()
                .chars()
                .map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap())
                .collect();
            let pasted = format!(
                "To enter the group, please send me this code: {code}\nYou have 5 minutes."
            );
            for text in [code, &code.to_lowercase(), &spaced, &wide, &pasted] {
                assert!(challenge.is_right_text(text), "{text} for {code}");
            }
        }
    }
}

#[test]
fn a_wrong_code_fails() {
    for kind in [Kind::Code, Kind::Image] {
        let challenge = challenge(kind);
        let code = answer(&challenge);
        let backwards: String = code.chars().rev().collect();
        for text in [
            "",
            " ",
            "hello",
            &code[1..],
            &code[..code.len() - 1],
            &backwards,
        ] {
            assert!(!challenge.is_right_text(text), "{text} for {code}");
        }
        assert!(!challenge.is_right_option(0), "there is nothing to press");
    }
}

#[test]
fn a_message_of_a_thousand_guesses_is_not_read_to_its_end() {
    let challenge = challenge(Kind::Image);
    let guesses = format!("{}{}", "XX ".repeat(1_000), answer(&challenge));
    assert!(!challenge.is_right_text(&guesses));
}

#[test]
fn a_button_is_not_typed() {
    let challenge = challenge(Kind::Button);
    assert!(challenge.is_right_option(0));
    assert!(!challenge.is_right_text(HUMAN) && !challenge.is_right_text(""));
}

#[test]
fn callback_data_round_trips_within_64_bytes() {
    let mut challenge = challenge(Kind::Emoji);
    for chat in [i64::MIN, -1_001_234_567_890, -1, 0, i64::MAX] {
        for id in [0, 1, 35, 36, 123_456_789, u32::MAX] {
            for index in [0, 7, usize::MAX] {
                challenge.id = id;
                let data = challenge.data(chat, index);
                assert!(data.len() <= 64, "{data}");
                assert_eq!(parse_data(&data), Some(Press { chat, id, index }), "{data}");
            }
        }
    }
}

#[test]
fn callback_data_of_others_is_refused() {
    for data in [
        "",
        "g:",
        "g:1",
        "g:1:a",
        "g:1:a:",
        "g:1:a:0:0",
        "g:+1:a:0",
        "g:1:A:0",
        "g:1:0a:0",
        "g:1:a:-1",
        "g:1:a:00",
        "g:1:zzzzzzzzz:0",
        "h:1:a:0",
        "g:99999999999999999999:a:0",
    ] {
        assert_eq!(parse_data(data), None, "{data}");
    }
}

#[test]
fn the_picture_is_a_png_that_is_the_same_each_time_and_another_for_each_challenge() {
    let mut pictures = HashSet::new();
    for challenge in challenges(Kind::Image).take(20) {
        let picture = challenge.picture().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&picture))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.height), (240, 90));
        assert!(picture.len() < 30_000, "{} bytes", picture.len());
        assert_eq!(challenge.clone().picture(), Some(picture.clone()));
        pictures.insert(picture);
    }
    assert_eq!(pictures.len(), 20);
    assert_eq!(challenge(Kind::Code).picture(), None);
}

#[test]
fn every_character_of_the_alphabet_can_be_drawn_and_stays_on_its_grid() {
    for character in question::ALPHABET {
        let strokes = glyphs::strokes(*character);
        assert!(!strokes.is_empty(), "{}", char::from(*character));
        for (x, y) in strokes.iter().copied().flatten() {
            assert!(*x <= 13 && *y <= 16, "{}", char::from(*character));
        }
    }
}

#[test]
fn the_text_alternative_is_a_new_sum_in_words() {
    for challenge in challenges(Kind::Image).take(200) {
        let other = challenge.text_alternative(&mut Rng::with_seed(u64::from(challenge.id)));
        assert_eq!((other.kind, other.options.len()), (Kind::Arithmetic, 6));
        assert!(matches!(other.question, Question::Sum(sum) if sum.words));
        assert_ne!(other.id, challenge.id);
        assert!(other.picture().is_none());
    }
}

#[test]
fn debug_shows_neither_question_nor_options() {
    for kind in Kind::ALL {
        let challenge = Challenge::new(kind, &mut Rng::with_seed(7));
        let shown = format!("{challenge:?}");
        let id = challenge.id;
        assert_eq!(
            shown,
            format!("Challenge {{ id: {id}, kind: {kind:?}, .. }}")
        );
    }
}

#[test]
fn a_challenge_survives_being_stored() {
    for kind in Kind::ALL {
        let challenge = Challenge::new(kind, &mut Rng::with_seed(7));
        let stored = serde_json::to_string(&challenge).unwrap();
        assert_eq!(
            serde_json::from_str::<Challenge>(&stored).unwrap(),
            challenge
        );
        assert!(
            stored.contains(&format!("\"kind\":\"{}\"", kind.name())),
            "{stored}"
        );
    }
}

#[test]
fn the_menu_goes_through_every_kind_and_every_symbol_is_another() {
    let mut kind = Kind::ALL[0];
    for expected in Kind::ALL {
        assert_eq!(kind, expected);
        kind = kind.next();
    }
    assert_eq!(kind, Kind::ALL[0]);
    let symbols: HashSet<&str> = Emoji::ALL.map(Emoji::symbol).into();
    assert_eq!(symbols.len(), Emoji::ALL.len());
}

#[test]
fn an_a_is_taken_for_the_4_that_it_looks_like() {
    assert!(super::typed::contains("armpa", "4RMP4"));
}
