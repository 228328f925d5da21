//! Pictures that were uploaded.

use axum::body::Bytes;

use super::answer::ApiError;

/// The side of a picture whose size is not read here.
const UNKNOWN_SIDE: u32 = 90;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A picture as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Photo {
    pub(super) bytes: Bytes,
    pub(super) kind: &'static str,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Photo {
    /// Known by the first bytes, as no name is to be trusted.
    pub(super) fn read(bytes: Bytes) -> Result<Self, ApiError> {
        let kind = match &bytes[..] {
            [0xff, 0xd8, 0xff, ..] => "image/jpeg",
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => "image/webp",
            png if png.starts_with(PNG) => "image/png",
            [] => return Err(ApiError::bad_request("file must be non-empty")),
            _ => return Err(ApiError::bad_request("IMAGE_PROCESS_FAILED")),
        };
        let (width, height) = if kind == "image/png" {
            png_size(&bytes).ok_or_else(|| ApiError::bad_request("IMAGE_PROCESS_FAILED"))?
        } else {
            (UNKNOWN_SIDE, UNKNOWN_SIDE)
        };
        // The real server's rule for photos, which hits captchas that are drawn as one long strip.
        if width + height > 10_000 || width.max(height) > 20 * width.min(height) {
            return Err(ApiError::bad_request("PHOTO_INVALID_DIMENSIONS"));
        }
        Ok(Self {
            bytes,
            kind,
            width,
            height,
        })
    }
}

/// Width and height out of a PNG's first chunk, whose end mark must have arrived too.
fn png_size(png: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| {
        let bytes = png.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let is_whole = png.get(12..16)? == b"IHDR" && png.get(png.len() - 8..png.len() - 4)? == b"IEND";
    let (width, height) = (number(16)?, number(20)?);
    (is_whole && width > 0 && height > 0 && width < 10_001 && height < 10_001)
        .then_some((width, height))
}
