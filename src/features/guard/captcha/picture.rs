//! The distorted picture of an image challenge: strokes bent by waves, drawn anew from a seed whenever it is needed.
//!
//! Nothing but the PNG encoder comes from elsewhere. The crates that draw captchas bring a decoder for every image format,
//! and take their dice from the thread, so that a picture could not be drawn twice.

use std::f32::consts::TAU;

use serde::{Deserialize, Serialize};

use super::glyphs::{self, Point};
use super::question;

const WIDTH: usize = 240;
const HEIGHT: usize = 90;
/// 1.4 million codes.
const CHARACTERS: usize = 5;
/// Room that the waves and the turned characters need.
const MARGIN: f32 = 18.0;

/// The characters, and the dice they are drawn with. It has no `Debug`, because it says what is right.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::features::guard) struct Drawing {
    code: String,
    seed: u64,
}

impl Drawing {
    pub(super) fn new(dice: &mut fastrand::Rng) -> Self {
        Self {
            code: question::code(CHARACTERS, dice),
            seed: dice.u64(..),
        }
    }

    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// The picture, 240 by 90 pixels.
    pub(super) fn png(&self) -> Vec<u8> {
        let mut dice = Dice(fastrand::Rng::with_seed(self.seed));
        let waves = Waves::new(&mut dice);
        let mut sheet = Sheet::new();
        let cell = (WIDTH as f32 - 2.0 * MARGIN) / self.code.len() as f32;
        for (place, character) in self.code.bytes().enumerate() {
            let hand = Hand::new(MARGIN + cell * (place as f32 + 0.5), &mut dice);
            for stroke in glyphs::strokes(character) {
                let line: Vec<_> = curve(stroke)
                    .into_iter()
                    .map(|at| waves.bend(hand.put(at)))
                    .collect();
                sheet.line(&line, hand.pen);
            }
        }
        scribble(&mut sheet, &mut dice);
        encode(&sheet.colours(&mut dice))
    }
}

/// Ranges of what the eye does not mind.
struct Dice(fastrand::Rng);

impl Dice {
    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.f32()
    }
}

/// How one character is written: its place, size, slant and pen.
struct Hand {
    middle: (f32, f32),
    size: (f32, f32),
    turn: f32,
    slant: f32,
    pen: f32,
}

impl Hand {
    fn new(x: f32, dice: &mut Dice) -> Self {
        Self {
            middle: (
                x + dice.between(-3.0, 3.0),
                HEIGHT as f32 / 2.0 + dice.between(-7.0, 7.0),
            ),
            size: (dice.between(25.0, 30.0), dice.between(40.0, 50.0)),
            turn: dice.between(-0.26, 0.26),
            slant: dice.between(-0.16, 0.16),
            pen: dice.between(1.9, 2.7),
        }
    }

    /// From the grid of the character to the sheet.
    fn put(&self, (x, y): (f32, f32)) -> (f32, f32) {
        let y = (y / glyphs::HEIGHT - 0.5) * self.size.1;
        let x = (x / glyphs::WIDTH - 0.5) * self.size.0 + self.slant * y;
        let (sin, cos) = self.turn.sin_cos();
        (
            self.middle.0 + x * cos - y * sin,
            self.middle.1 + x * sin + y * cos,
        )
    }
}

/// Two waves across the whole sheet, so that no character can be cut out and compared with another of its kind.
struct Waves {
    along: (f32, f32, f32),
    across: (f32, f32, f32),
}

impl Waves {
    fn new(dice: &mut Dice) -> Self {
        Self {
            along: (
                dice.between(2.0, 3.5),
                dice.between(45.0, 70.0),
                dice.between(0.0, TAU),
            ),
            across: (
                dice.between(3.0, 5.5),
                dice.between(70.0, 120.0),
                dice.between(0.0, TAU),
            ),
        }
    }

    fn bend(&self, (x, y): (f32, f32)) -> (f32, f32) {
        let wave = |(height, length, phase): (f32, f32, f32), at: f32| {
            height * (TAU * at / length + phase).sin()
        };
        (x + wave(self.along, y), y + wave(self.across, x))
    }
}

/// The points of a stroke, close enough to each other to be bent: a quadratic B-spline, or the line itself between two.
fn curve(stroke: &[Point]) -> Vec<(f32, f32)> {
    const ROUNDS: usize = 4;
    let mut points: Vec<_> = stroke
        .iter()
        .map(|&(x, y)| (f32::from(x), f32::from(y)))
        .collect();
    for _ in 0..ROUNDS {
        // Chaikin's corner cutting, which keeps the two ends.
        let mut finer = vec![points[0]];
        for pair in points.windows(2) {
            finer.push(between(pair[0], pair[1], 0.25));
            finer.push(between(pair[0], pair[1], 0.75));
        }
        finer.push(points[points.len() - 1]);
        points = finer;
    }
    points
}

fn between(a: (f32, f32), b: (f32, f32), share: f32) -> (f32, f32) {
    (a.0 + (b.0 - a.0) * share, a.1 + (b.1 - a.1) * share)
}

/// Lines across all characters, thinner than theirs, and specks: what an eye looks past and a program has to.
fn scribble(sheet: &mut Sheet, dice: &mut Dice) {
    const STEPS: usize = 40;
    for _ in 0..3 {
        let (height, length) = (dice.between(6.0, 18.0), dice.between(110.0, 220.0));
        let (y, phase) = (dice.between(25.0, 65.0), dice.between(0.0, TAU));
        let line: Vec<_> = (0..=STEPS)
            .map(|step| {
                let x = WIDTH as f32 * step as f32 / STEPS as f32;
                (x, y + height * (TAU * x / length + phase).sin())
            })
            .collect();
        sheet.line(&line, dice.between(0.5, 0.9));
    }
    for _ in 0..60 {
        let at = (
            dice.between(0.0, WIDTH as f32),
            dice.between(0.0, HEIGHT as f32),
        );
        sheet.line(&[at, at], dice.between(0.3, 1.0));
    }
}

/// How much ink is on each pixel, from 0 to 1.
struct Sheet(Vec<f32>);

impl Sheet {
    fn new() -> Self {
        Self(vec![0.0; WIDTH * HEIGHT])
    }

    fn line(&mut self, points: &[(f32, f32)], pen: f32) {
        for pair in points.windows(2) {
            self.segment(pair[0], pair[1], pen);
        }
    }

    /// Inks every pixel by its distance from the segment, with an edge one pixel soft.
    fn segment(&mut self, a: (f32, f32), b: (f32, f32), pen: f32) {
        let reach = pen + 1.0;
        let pixels = |a: f32, b: f32, end: usize| {
            let from = (a.min(b) - reach).max(0.0) as usize;
            let to = (a.max(b) + reach).max(0.0) as usize;
            from..(to + 1).min(end)
        };
        for y in pixels(a.1, b.1, HEIGHT) {
            for x in pixels(a.0, b.0, WIDTH) {
                let ink = (pen + 0.5 - distance((x as f32, y as f32), a, b)).clamp(0.0, 1.0);
                let pixel = &mut self.0[y * WIDTH + x];
                *pixel = pixel.max(ink);
            }
        }
    }

    /// Dark ink on light paper, both of a chance hue; red, green and blue of each pixel.
    fn colours(&self, dice: &mut Dice) -> Vec<u8> {
        let mut hue = |low: f32, high: f32| [0; 3].map(|_: u8| dice.between(low, high));
        let (paper, ink) = (hue(225.0, 255.0), hue(0.0, 110.0));
        let pixel = |share: &f32| {
            [0, 1, 2].map(|part| (paper[part] + (ink[part] - paper[part]) * share) as u8)
        };
        self.0.iter().flat_map(pixel).collect()
    }
}

fn distance(point: (f32, f32), a: (f32, f32), b: (f32, f32)) -> f32 {
    let (along, to) = ((b.0 - a.0, b.1 - a.1), (point.0 - a.0, point.1 - a.1));
    let length = along.0.mul_add(along.0, along.1 * along.1);
    let share = if length > 0.0 {
        ((to.0 * along.0 + to.1 * along.1) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (to.0 - share * along.0).hypot(to.1 - share * along.1)
}

fn encode(colours: &[u8]) -> Vec<u8> {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, WIDTH as u32, HEIGHT as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(colours))
        .expect("a sheet of this size, and memory to write to");
    png
}
