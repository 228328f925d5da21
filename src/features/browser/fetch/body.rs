//! A page's bytes, unpacked and counted.

use std::io;
use std::pin::Pin;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder};
use futures::TryStreamExt;
use futures::stream;
use reqwest::Response;
use reqwest::header::CONTENT_ENCODING;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;
use url::Url;

use super::error::FetchError;

/// What is asked for, because it can be unpacked.
pub(super) const UNPACKED: &str = "gzip, deflate, br";
/// Packings within each other. Nobody needs two; a chain of them is there to cost memory.
const LAYERS: usize = 2;

type Packed = Pin<Box<dyn AsyncBufRead + Send>>;
type Unpacked = Pin<Box<dyn AsyncRead + Send>>;

/// The first `limit` bytes after unpacking, and whether there are more. What is beyond is neither read nor unpacked.
pub(super) async fn read(
    url: &Url,
    answer: Response,
    limit: usize,
) -> Result<(Vec<u8>, bool), FetchError> {
    let mut body = unpack(answer)?;
    let mut bytes = Vec::new();
    // One byte more tells whether there is more.
    let wanted = limit.saturating_add(1);
    let mut body = body.as_mut().take(wanted as u64);
    let read = body.read_to_end(&mut bytes).await;
    read.map_err(|error| FetchError::broken(url, &error))?;
    let truncated = bytes.len() > limit;
    bytes.truncate(limit);
    Ok((bytes, truncated))
}

fn unpack(answer: Response) -> Result<Unpacked, FetchError> {
    let layers = answer.headers().get_all(CONTENT_ENCODING).iter();
    let layers: Vec<String> = layers
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|layer| String::from_utf8_lossy(layer.trim_ascii()).to_lowercase())
        .filter(|layer| !matches!(layer.as_str(), "" | "identity"))
        .collect();
    if layers.len() > LAYERS {
        return Err(FetchError::Packing {
            found: layers.join(", "),
        });
    }
    let mut body: Unpacked = Box::pin(pieces(answer));
    // The last one named was applied last.
    for layer in layers.into_iter().rev() {
        let packed: Packed = Box::pin(tokio::io::BufReader::new(body));
        body = match layer.as_str() {
            "gzip" | "x-gzip" => Box::pin(GzipDecoder::new(packed)),
            // By its definition it is zlib's format.
            "deflate" => Box::pin(ZlibDecoder::new(packed)),
            "br" => Box::pin(BrotliDecoder::new(packed)),
            _ => return Err(FetchError::Packing { found: layer }),
        };
    }
    Ok(body)
}

fn pieces(answer: Response) -> impl AsyncBufRead + Send {
    let pieces = stream::try_unfold(answer, async |mut answer: Response| {
        let piece = answer.chunk().await?;
        Ok(piece.map(|piece| (piece, answer)))
    });
    StreamReader::new(Box::pin(
        pieces.map_err(|error: reqwest::Error| io::Error::other(error.without_url())),
    ))
}
