//! Moving observations in and out.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use jiff::{Timestamp, civil::Date};
use serde_json::json;
use tallykeep_packages::transfer::{
    ExportFilter, ExportFormat, ImportOptions, Table, TransferError, export_stats, export_wide, wide_of_file,
};

use super::{Of, ended};
use crate::{
    context::Context,
    exit::{Exit, usage},
};

fn told(error: TransferError) -> anyhow::Error {
    match error {
        TransferError::Usage(text) => usage(text),
        TransferError::Control(error) => error.into(),
        TransferError::Job(error) => ended(error),
        other => other.into(),
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum TableName {
    Stats,
    Metrics,
    History,
}

/// Load rows of stats, metrics or history from JSON lines or CSV, plain, .gz or .zst
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep packages import-stats --file daily.csv.gz --map subject=package,period_end=date,value=downloads --source pypistats --window 1d"
)]
pub struct ImportStats {
    /// File to read; may be repeated
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    file: Vec<PathBuf>,
    /// What the rows are
    #[arg(long, value_enum, default_value_t = TableName::Stats)]
    table: TableName,
    /// Which column holds a field, FIELD=COLUMN; several by comma. A pattern such as metric_id=downloads:{package}:python fits too
    #[arg(long, value_name = "FIELD=COLUMN", value_delimiter = ',')]
    map: Vec<String>,
    /// Source of metrics that are not in the catalogue; they are added, collector or not
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// source_window of rows without one, e.g. 1d or discrete_snapshot
    #[arg(long, value_name = "WINDOW")]
    window: Option<String>,
    /// provenance of rows without one
    #[arg(long, value_name = "WORD")]
    provenance: Option<String>,
    /// Product of added metrics
    #[arg(long, value_name = "ID")]
    product: Option<String>,
    /// SDK of added metrics
    #[arg(long, value_name = "SDK")]
    sdk: Option<String>,
    /// The values are running star counts
    #[arg(long)]
    stars: bool,
    /// Check only
    #[arg(long)]
    dry_run: bool,
    /// End with 1 when any line was refused
    #[arg(long)]
    strict: bool,
}

impl ImportStats {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let files: Vec<&Path> = self.file.iter().map(PathBuf::as_path).collect();
        let table = match self.table {
            TableName::Stats => {
                let map = self
                    .map
                    .iter()
                    .map(|pair| {
                        let (field, column) =
                            pair.split_once('=').ok_or_else(|| usage(format!("--map {pair}: write FIELD=COLUMN")))?;
                        Ok((field.trim().to_owned(), column.trim().to_owned()))
                    })
                    .collect::<anyhow::Result<Vec<_>>>()?;
                let options = ImportOptions {
                    map,
                    source: self.source,
                    window: self.window,
                    provenance: self.provenance,
                    product: self.product,
                    sdk: self.sdk,
                    stars: self.stars,
                    dry_run: self.dry_run,
                };
                let imported = jobs.import_stats(&files, &options).await.map_err(told)?;
                let bad = imported.rejected > 0 && (self.strict || imported.rejected == imported.read);
                context.print(&imported, || {
                    format!(
                        "import_stats complete: inserted={} updated={} errors={} unchanged={} kept={} read={} metrics_added={}",
                        imported.report.inserted,
                        imported.report.updated,
                        imported.rejected,
                        imported.report.unchanged,
                        imported.kept,
                        imported.read,
                        imported.metrics_added
                    )
                })?;
                return if bad { Err(Exit::Said.into()) } else { Ok(()) };
            }
            TableName::Metrics => Table::Metrics,
            TableName::History => Table::History,
        };
        let (mut stored, mut refused) = (0, Vec::new());
        for file in files {
            let (some, errors) = jobs.import_table(table, file).await.map_err(told)?;
            stored += some;
            refused.extend(errors);
        }
        for error in &refused {
            crate::output::note!("rejected: {error}");
        }
        let bad = !refused.is_empty() && (self.strict || stored == 0);
        context.print(&json!({"stored": stored, "rejected": refused.len(), "rejects": refused}), || {
            format!("import complete: inserted={stored} updated=0 errors={}", refused.len())
        })?;
        if bad { Err(Exit::Said.into()) } else { Ok(()) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[value(alias = "json")]
    Jsonl,
    Csv,
    Parquet,
}

/// Print stored rows, sorted by metric and day
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages export-stats --format parquet --output stats.parquet")]
pub struct ExportStats {
    /// Only these metrics
    #[arg(long, alias = "metric_id", value_name = "ID", num_args = 1..)]
    metric_id: Vec<String>,
    /// First day
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Last day
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// The values as they were known at an instant (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    as_known_on: Option<String>,
    /// How to write rows
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// File to write instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// An instant, or a day meaning its end.
pub(super) fn known_at(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(day) = text.parse::<Date>() {
        return Ok(tallykeep_packages::days::midnight(tallykeep_packages::days::after(day, 1)));
    }
    text.parse().map_err(|_| usage(format!("--as-known-on {text}: write a day or an instant with a zone")))
}

impl ExportStats {
    pub async fn run(self, _: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let filter = ExportFilter {
            metrics: self.metric_id,
            from: self.from,
            to: self.to,
            as_known: self.as_known_on.as_deref().map(known_at).transpose()?,
        };
        let format = match self.format {
            Format::Jsonl => ExportFormat::JsonLines,
            Format::Csv => ExportFormat::Csv,
            Format::Parquet => ExportFormat::Parquet,
        };
        let mut out: Box<dyn Write + Send> = match &self.output {
            Some(file) => {
                Box::new(std::fs::File::create(file).with_context(|| format!("could not write {}", file.display()))?)
            }
            None => Box::new(std::io::stdout()),
        };
        export_stats(&jobs.store, &filter, format, &mut out).await.map_err(told)?;
        out.flush()?;
        Ok(())
    }
}

/// Print one line per day with a column per download metric; blank where nothing is stored
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages export-wide --output wide.csv")]
pub struct ExportWide {
    /// Exported stats (JSON lines) to read instead of the store
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// File to write instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl ExportWide {
    pub async fn run(self, _: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let text = match &self.input {
            Some(file) => wide_of_file(jobs, file).map_err(told)?,
            None => export_wide(jobs).await.map_err(told)?,
        };
        match &self.output {
            Some(file) => std::fs::write(file, text).with_context(|| format!("could not write {}", file.display())),
            None => Ok(std::io::stdout().write_all(text.as_bytes())?),
        }
    }
}
