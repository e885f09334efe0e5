//! Whole bodies, compressed.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use crate::ExportError;

/// Quality 4 of 11: on series it is as fast as gzip's default and smaller; the upper ones take many times as long.
const BROTLI_QUALITY: u32 = 4;
/// The window, 4 MiB.
const BROTLI_WINDOW: u32 = 22;
const BROTLI_BUFFER: usize = 64 * 1024;

/// A gzip file: no name, no time, so the same bytes give the same file.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>, ExportError> {
    let mut out = Vec::with_capacity(bytes.len() / 8);
    gzip_to(&mut out, |packed| Ok(packed.write_all(bytes)?))?;
    Ok(out)
}

/// A gzip file of what `write` writes, as it is written.
pub fn gzip_to(
    out: &mut dyn Write,
    write: impl FnOnce(&mut dyn Write) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let mut encoder = GzEncoder::new(out, Compression::default());
    write(&mut encoder)?;
    encoder.finish()?;
    Ok(())
}

/// A brotli stream.
pub fn brotli(bytes: &[u8]) -> Result<Vec<u8>, ExportError> {
    let mut out = Vec::with_capacity(bytes.len() / 8);
    brotli_to(&mut out, |packed| Ok(packed.write_all(bytes)?))?;
    Ok(out)
}

/// A brotli stream of what `write` writes, as it is written.
pub fn brotli_to(
    mut out: &mut dyn Write,
    write: impl FnOnce(&mut dyn Write) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    // It ends its stream when it is dropped.
    let mut encoder = ::brotli::CompressorWriter::new(&mut out, BROTLI_BUFFER, BROTLI_QUALITY, BROTLI_WINDOW);
    write(&mut encoder)?;
    Ok(encoder.flush()?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_was_compressed_comes_back() {
        let text: Vec<u8> =
            (0..40_000).flat_map(|n| format!("[\"2024-01-{:02}\",{n}],", n % 31).into_bytes()).collect();
        let (zipped, brotlied) = (gzip(&text).expect("gzip"), brotli(&text).expect("brotli"));
        assert!(zipped.len() < text.len() / 3 && brotlied.len() < text.len() / 3);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&zipped[..]).read_to_end(&mut back).expect("a gzip file");
        assert_eq!(back, text);
        back.clear();
        ::brotli::Decompressor::new(&brotlied[..], 4096).read_to_end(&mut back).expect("a brotli stream");
        assert_eq!(back, text);
        assert_eq!(gzip(&text).expect("gzip"), zipped);
        assert_eq!(zipped[4..8], [0; 4], "no time in the header");
    }

    #[test]
    fn nothing_compresses_too() {
        let mut back = Vec::new();
        ::brotli::Decompressor::new(&brotli(b"").expect("brotli")[..], 4096).read_to_end(&mut back).expect("a stream");
        flate2::read::GzDecoder::new(&gzip(b"").expect("gzip")[..]).read_to_end(&mut back).expect("a file");
        assert!(back.is_empty());
    }
}
