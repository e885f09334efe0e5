//! The repository's own lists: works by views and downloads, as its search answers them; and the state of enrichment.

/// Watermark name of enrichment: per `<kind>-<month>` either `raw` or `completed`.
pub const ENRICHMENT: &str = "usage-enrichment";
