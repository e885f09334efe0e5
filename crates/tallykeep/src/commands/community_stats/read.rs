//! `community-stats read`

use std::{
    io::{BufWriter, IsTerminal, Write},
    path::PathBuf,
};

use anyhow::Context as _;
use jiff::{ToSpan, civil::Date};
use serde_json::{Map, Value};
use tallykeep_export::{self as export, Collection, DateStyle};
use tallykeep_repository::{
    RepositoryError, TeamRepository,
    read::{Params, Query, SeriesKind, Shape},
    state::Basis,
};
use tallykeep_server::routes::repository::query_series;

use crate::{context::Context, domains, exit::usage};

/// Prints documents as JSON, oldest first; data series also as tables and XML
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats read --community-id my-community --start-date 2024-01-01 --end-date 2024-01-31 \\
    --query-type community-usage-delta"
)]
pub struct Read {
    /// UUID or slug of a community, or `global`
    #[arg(long, value_name = "ID", default_value = "global")]
    community_id: String,

    /// First day [default: yesterday]
    #[arg(long, value_name = "DATE")]
    start_date: Option<Date>,

    /// Last day [default: today]
    #[arg(long, value_name = "DATE")]
    end_date: Option<Date>,

    /// One query instead of all documents; of tables and XML instead of all data series
    #[arg(long, value_name = "NAME")]
    query_type: Option<String>,

    /// Date a record's time starts at: `added`, `created` or `published`
    #[arg(long, value_name = "BASIS")]
    date_basis: Option<String>,

    /// Numbers as they were known at the end of this day
    #[arg(long, value_name = "DATE")]
    as_known_on: Option<Date>,

    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Form::Json)]
    format: Form,

    /// File to write; without it, standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The forms of `Accept`, by short names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// JSON text
    Json,
    /// The same, gzip
    JsonGz,
    /// The same, brotli
    JsonBr,
    /// `.tar.gz` of one CSV file per metric
    Csv,
    /// `.tar.gz` of one workbook per breakdown
    Xlsx,
    /// One XML document
    Xml,
}

impl Read {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let today = context.clock.today();
        let start = self.start_date.unwrap_or_else(|| today.saturating_sub(1.day()));
        let end = self.end_date.unwrap_or(today.max(start));
        if end < start {
            return Err(usage(format!("--end-date {end} is before --start-date {start}")));
        }
        let basis = match self.date_basis.as_deref() {
            None => None,
            Some(name) => Some(
                Basis::ALL
                    .into_iter()
                    .find(|basis| basis.as_str() == name)
                    .ok_or_else(|| usage(format!("--date-basis: `{name}` is none of added, created, published")))?,
            ),
        };
        let params = Params {
            community_id: Some(self.community_id.clone()),
            start: Some(start),
            end: Some(end),
            basis,
            known_on: self.as_known_on,
            all_bases: self.query_type.is_none() && basis.is_none(),
            ..Params::default()
        };
        let repository = domains::repository(context).await?;
        if matches!(self.format, Form::Csv | Form::Xlsx | Form::Xml) {
            return self.series(&repository, Params { all_bases: false, ..params }).await;
        }
        let query = find(self.query_type.as_deref().unwrap_or("community-stats"))?;
        let json = match repository.query(query, &params).await {
            Ok(answer) => answer.json,
            Err(RepositoryError::NoResults { .. }) if self.format == Form::Json && self.output.is_none() => {
                let empty =
                    if self.query_type.is_some() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
                return context.print(&empty, || "No data found for the specified date range.".to_owned());
            }
            Err(error) => return Err(error.into()),
        };
        if self.format == Form::Json && self.output.is_none() {
            let document: Value = serde_json::from_slice(&json)?;
            return context.print(&document, || serde_json::to_string_pretty(&document).unwrap_or_default());
        }
        self.write(|out| {
            match self.format {
                Form::JsonGz => out.write_all(&export::gzip(&json)?)?,
                Form::JsonBr => out.write_all(&export::brotli(&json)?)?,
                _ => out.write_all(&json)?,
            }
            Ok(())
        })
    }

    /// Tables and XML: of one query of data series, or of the four whole sets.
    async fn series(&self, repository: &TeamRepository, params: Params) -> anyhow::Result<()> {
        const SETS: [&str; 4] =
            ["record-delta-category", "record-snapshot-category", "usage-delta-category", "usage-snapshot-category"];
        let names: Vec<&str> = self.query_type.as_deref().map_or_else(|| SETS.to_vec(), |name| vec![name]);
        let mut queries = Vec::new();
        for name in names {
            let query = find(name)?;
            let kind: SeriesKind = match query.shape {
                Shape::Series(kind) | Shape::Category(kind, ..) => kind,
                _ => {
                    let why = "answers with documents, and only data series go into tables and XML";
                    return Err(usage(format!("--query-type: `{name}` {why}")));
                }
            };
            queries.push(query_series(name, kind, repository.query(query, &params).await?.categories));
        }
        let community = repository.community(&self.community_id).await?;
        let collection = Collection {
            queries,
            community: community.map(|c| export::Community { id: c.id, slug: c.slug, title: c.title }),
            generated_at: repository.control().clock().now(),
            dates: if repository.settings().legacy_mmdd { DateStyle::LegacyMonthDay } else { DateStyle::Full },
        };
        self.write(|out| {
            match self.format {
                Form::Csv => collection.write_csv(out)?,
                Form::Xlsx => collection.write_xlsx(out)?,
                _ => collection.write_xml(out)?,
            }
            Ok(())
        })
    }

    /// Writes to the file, which appears only when it is whole, or to standard output.
    fn write(&self, fill: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let Some(path) = &self.output else {
            let out = std::io::stdout();
            if out.is_terminal() && !matches!(self.format, Form::Xml | Form::Json) {
                return Err(usage("this form is no text for a terminal: name a file with --output"));
            }
            let mut out = BufWriter::new(out.lock());
            fill(&mut out)?;
            return Ok(out.flush()?);
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| std::path::Path::new("."));
        let why = || format!("could not write {}", path.display());
        let mut file = BufWriter::new(tempfile::NamedTempFile::new_in(folder).with_context(why)?);
        fill(&mut file)?;
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(why)?;
        // As readable as any file its owner makes.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(mode).with_context(why)?;
        file.persist(path).map(drop).map_err(|error| error.error).with_context(why)
    }
}

fn find(name: &str) -> anyhow::Result<Query> {
    Query::find(name).ok_or_else(|| {
        let known: Vec<&str> = Query::names().collect();
        usage(format!("--query-type: no query `{name}`; there are {}", known.join(", ")))
    })
}
