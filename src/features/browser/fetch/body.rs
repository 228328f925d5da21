//! A page's bytes, unpacked and counted.
//!
//! A stranger decides how much work there is in a byte: unpacking may take many without giving one. So both sides are
//! counted, and whoever reads lets others run now and then; else nothing could interrupt it, the time-out included.

use std::io;
use std::pin::Pin;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder};
use futures::TryStreamExt;
use futures::stream;
use hyper::body::Bytes;
use reqwest::Response;
use reqwest::header::CONTENT_ENCODING;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt};
use tokio::task::yield_now;
use tokio_util::io::StreamReader;
use url::Url;

use super::error::FetchError;

/// What is asked for, because it can be unpacked.
pub(super) const UNPACKED: &str = "gzip, deflate, br";
/// After so many bytes, packed or unpacked, others have their turn. Unpacking them takes a millisecond or two.
const TURN: usize = 256 << 10;

type Unpacked = Pin<Box<dyn AsyncRead + Send>>;

/// The first `limit` bytes after unpacking, and whether there are more. What is beyond is neither read nor unpacked.
pub(super) async fn read(
    url: &Url,
    answer: Response,
    limit: usize,
) -> Result<(Vec<u8>, bool), FetchError> {
    let body = unpack(answer, limit)?;
    let read = collect(body, limit).await;
    read.map_err(|error| FetchError::broken(url, &error))
}

async fn collect(mut body: impl AsyncRead + Unpin, limit: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    // One byte more tells whether there is more.
    while bytes.len() <= limit {
        let part = TURN.min(limit.saturating_add(1) - bytes.len());
        if (&mut body)
            .take(part as u64)
            .read_to_end(&mut bytes)
            .await?
            < part
        {
            break;
        }
        yield_now().await;
    }
    let truncated = bytes.len() > limit;
    bytes.truncate(limit);
    Ok((bytes, truncated))
}

/// One packing at most: nobody needs two, and the inner one of them could be of any length.
fn unpack(answer: Response, limit: usize) -> Result<Unpacked, FetchError> {
    let packings = answer.headers().get_all(CONTENT_ENCODING).iter();
    let packings: Vec<String> = packings
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|packing| String::from_utf8_lossy(packing.trim_ascii()).to_lowercase())
        .filter(|packing| !matches!(packing.as_str(), "" | "identity"))
        .collect();
    let packed = pieces(answer);
    if packings.is_empty() {
        return Ok(Box::pin(packed));
    }
    let packed = packed.take(most_packed(limit) as u64);
    Ok(match packings.join(", ").as_str() {
        "gzip" | "x-gzip" => Box::pin(GzipDecoder::new(packed)),
        // By its definition it is zlib's format.
        "deflate" => Box::pin(ZlibDecoder::new(packed)),
        "br" => Box::pin(BrotliDecoder::new(packed)),
        found => {
            let found = found.to_owned();
            return Err(FetchError::Packing { found });
        }
    })
}

/// What cannot be packed grows a little by being packed; by more it grows only on purpose, and ends as if it were broken off.
fn most_packed(limit: usize) -> usize {
    limit.saturating_add(limit / 8).saturating_add(TURN)
}

/// The body as it arrives, in pieces that are not too long to be unpacked at one go.
fn pieces(answer: Response) -> impl AsyncBufRead + Send + Unpin {
    let start = (answer, Bytes::new(), 0);
    let pieces = stream::try_unfold(start, async |(mut answer, mut rest, mut since)| {
        if rest.is_empty() {
            match answer.chunk().await? {
                Some(chunk) => rest = chunk,
                None => return Ok(None),
            }
        }
        let piece = rest.split_to(rest.len().min(TURN));
        since += piece.len();
        if since >= TURN {
            since = 0;
            yield_now().await;
        }
        Ok(Some((piece, (answer, rest, since))))
    });
    StreamReader::new(Box::pin(
        pieces.map_err(|error: reqwest::Error| io::Error::other(error.without_url())),
    ))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::poll;

    use super::*;

    /// What comes after so many turns.
    async fn turns<T>(reading: impl Future<Output = T>) -> (usize, T) {
        let (mut reading, mut turns) = (pin!(reading), 0);
        loop {
            match poll!(reading.as_mut()) {
                std::task::Poll::Ready(read) => return (turns, read),
                std::task::Poll::Pending => turns += 1,
            }
        }
    }

    #[tokio::test]
    async fn others_have_their_turn_however_fast_a_body_comes() {
        let body = vec![0; 2 << 20];
        let (turns, read) = turns(collect(&body[..], 2 << 20)).await;
        assert!(turns >= 8, "{turns}");
        assert_eq!(read.unwrap(), (body, false));
    }

    #[tokio::test]
    async fn others_have_their_turn_while_nothing_comes_of_what_is_unpacked() {
        // A zlib stream of blocks with nothing in them.
        let mut body = vec![0x78, 0x01];
        body.extend([0, 0, 0, 0xff, 0xff].repeat(1 << 20));
        let answer = hyper::Response::builder().header(CONTENT_ENCODING, "deflate");
        let answer = Response::from(answer.body(body).unwrap());
        let url = Url::parse("http://site.test/").unwrap();
        let (turns, read) = turns(read(&url, answer, 2 << 20)).await;
        assert!(turns >= 8, "{turns}");
        assert!(matches!(read, Err(FetchError::Broken { .. })), "{read:?}");
    }
}
