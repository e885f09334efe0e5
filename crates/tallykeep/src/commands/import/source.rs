//! `tallykeep import opensearch` and `tallykeep import invenio-api`

use std::{path::PathBuf, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tallykeep_repository::{
    reconcile::Reconciliation,
    sources::{Kind, Source, SourceReport, SourceRequest, SourceType},
};

use crate::{
    commands::reconcile::text as reconciliation_text,
    context::Context,
    domains,
    exit::{Exit, usage},
};

/// What both sources take.
#[derive(Debug, clap::Args)]
struct Common {
    /// Only what changed at or after this day or instant (default: since the last complete import, else everything)
    #[arg(long, value_name = "DATE")]
    since: Option<String>,

    /// Requests per second
    #[arg(long, value_name = "N")]
    rate: Option<f64>,

    /// Documents imported and committed together
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,

    /// Documents asked for at a time
    #[arg(long, value_name = "N")]
    page_size: Option<usize>,

    /// Certificate authorities to trust besides the machine's own (PEM)
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// Forget how far it was read and begin anew (what is stored is recognised)
    #[arg(long)]
    from_start: bool,

    /// Ask for the first page of everything and check it, store nothing
    #[arg(long)]
    dry_run: bool,

    /// Fail when any document is refused (what is good is kept all the same)
    #[arg(long)]
    strict: bool,

    /// Afterwards lay the source's totals beside ours
    #[arg(long)]
    reconcile: bool,

    /// Milliseconds before a request is tried again the first time
    #[arg(long, env = "TALLYKEEP_SOURCE_RETRY_BASE_MS", value_name = "MS")]
    retry_base_ms: Option<u64>,
}

/// Reads point in time by point in time, resumes where it stopped. Credentials come from a file or `TALLYKEEP_OPENSEARCH_CREDENTIALS`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep import opensearch https://search.example.org:9200 --index-prefix rdm- \\
    --ca-file ca.pem --credentials-file ./search-credentials --reconcile\n\n\
    The credentials are one line: `user:password`, `ApiKey …` or `Bearer …`. See docs/invenio.md.")]
pub struct OpenSearch {
    /// Address of OpenSearch or Elasticsearch, or the name of a source under [repository.sources]
    #[arg(value_name = "URL")]
    url: String,

    /// communities, records, community-events, usage-events (default: all)
    #[arg(long, value_name = "KIND", num_args = 1.., value_delimiter = ',')]
    kinds: Vec<String>,

    /// What stands before every index name (SEARCH_INDEX_PREFIX of InvenioRDM)
    #[arg(long, value_name = "PREFIX")]
    index_prefix: Option<String>,

    /// File whose first line holds the credentials
    #[arg(long, value_name = "FILE")]
    credentials_file: Option<PathBuf>,

    #[command(flatten)]
    common: Common,
}

/// Reads lists page by page, resumes where it stopped, asks for records that went. A token comes from a file or `TALLYKEEP_INVENIO_TOKEN`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep import invenio-api https://repository.example.org --credentials-file ./token --reconcile\n\n\
    Usage events are not in the REST API: take them from the search server or from files. See docs/invenio.md."
)]
pub struct InvenioApi {
    /// Address of the repository, or the name of a source under [repository.sources]
    #[arg(value_name = "URL")]
    url: String,

    /// communities, records (default: both)
    #[arg(long, value_name = "KIND", num_args = 1.., value_delimiter = ',')]
    kinds: Vec<String>,

    /// Only this community and its records (id or slug)
    #[arg(long, value_name = "ID")]
    community: Option<String>,

    /// File whose first line holds the token
    #[arg(long, value_name = "FILE")]
    credentials_file: Option<PathBuf>,

    #[command(flatten)]
    common: Common,
}

impl OpenSearch {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let mut source = source(context, SourceType::OpenSearch, &self.url)?;
        take(&mut source.index_prefix, self.index_prefix);
        source.credentials_file = self.credentials_file.or(source.credentials_file);
        run(context, source, &self.kinds, self.common).await
    }
}

impl InvenioApi {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let mut source = source(context, SourceType::InvenioApi, &self.url)?;
        source.community = self.community.or(source.community);
        source.credentials_file = self.credentials_file.or(source.credentials_file);
        run(context, source, &self.kinds, self.common).await
    }
}

fn take<T>(value: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *value = given;
    }
}

/// The configured source of this name, else one at this address.
fn source(context: &Context, kind: SourceType, url: &str) -> anyhow::Result<Source> {
    let configured = domains::settings(context)?.sources.into_iter().find(|source| source.name == url);
    match configured {
        Some(source) if source.kind == kind => Ok(source),
        Some(source) => Err(usage(format!("the source {url} is of type {}", source.kind.as_str()))),
        None if url.contains("://") => Ok(Source::new(kind, url)),
        None => {
            Err(usage(format!("`{url}` is neither an address (https://…) nor a source under [repository.sources]")))
        }
    }
}

async fn run(context: &Context, mut source: Source, kinds: &[String], common: Common) -> anyhow::Result<()> {
    if !kinds.is_empty() {
        source.kinds = Vec::new();
        for name in kinds {
            let kind = Kind::find(name).filter(|kind| source.kind.kinds().contains(kind));
            let known: Vec<&str> = source.kind.kinds().iter().map(|kind| kind.as_str()).collect();
            source.kinds.push(kind.ok_or_else(|| usage(format!("--kinds: `{name}` is none of {}", known.join(", "))))?);
        }
    }
    if common.rate.is_some_and(|rate| !(rate > 0.0 && rate <= 1000.0)) {
        return Err(usage("--rate: a number of requests per second above 0"));
    }
    if common.batch_size == Some(0) || common.page_size == Some(0) {
        return Err(usage("--batch-size and --page-size: 1 or more"));
    }
    take(&mut source.rate, common.rate);
    take(&mut source.batch_size, common.batch_size);
    take(&mut source.page_size, common.page_size);
    take(&mut source.retry_base, common.retry_base_ms.map(Duration::from_millis));
    source.ca_file = common.ca_file.or(source.ca_file);
    source.check().map_err(usage)?;
    let since = match &common.since {
        None => None,
        Some(text) => Some(
            tallykeep_repository::dates::instant(text)
                .ok_or_else(|| usage(format!("--since: `{text}` is no date (2026-01-31) or instant that exists")))?,
        ),
    };
    let request = SourceRequest { since, dry_run: common.dry_run, from_start: common.from_start };
    let repository = domains::repository(context).await?;
    let bar = bar(context);
    let stop = crate::context::interrupted();
    let outcome = repository
        .import_source(&source, &request, &domains::spool(context), &|key| std::env::var(key).ok(), &mut |progress| {
            bar.set_message(format!("{}: {}", progress.kind.as_str(), progress.slice));
            bar.set_length(progress.all.unwrap_or(progress.fetched));
            bar.set_position(progress.fetched);
            !stop.is_cancelled()
        })
        .await;
    bar.finish_and_clear();
    let report = outcome?;
    let reconciliation = if common.reconcile { Some(repository.reconcile().await?) } else { None };
    print(context, &report, reconciliation.as_ref())?;
    if common.strict && report.total.rejected > 0 {
        return Err(Exit::Said.into());
    }
    Ok(())
}

fn print(context: &Context, report: &SourceReport, reconciliation: Option<&Reconciliation>) -> anyhow::Result<()> {
    let mut document = serde_json::to_value(report)?;
    if let (Some(fields), Some(reconciliation)) = (document.as_object_mut(), reconciliation) {
        fields.insert("reconciliation".to_owned(), json!(reconciliation));
    }
    context.print(&document, || text(report) + &reconciliation.map(reconciliation_text).unwrap_or_default())
}

fn bar(context: &Context) -> ProgressBar {
    if !context.is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg:<56} {human_pos} of {human_len}, {per_sec}, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new(0).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn text(report: &SourceReport) -> String {
    let mut out = String::new();
    if report.resumed {
        out.push_str("went on where an earlier import stopped\n");
    }
    for slice in &report.slices {
        let all = slice.documents.map_or_else(String::new, |all| format!(" of {all}"));
        let since = slice.since.map_or_else(String::new, |at| format!(" since {at}"));
        let skipped = if slice.skipped { " (read before)" } else { "" };
        out.push_str(&format!(
            "{:<18} {:<52} fetched {}{all}{since}{skipped}\n",
            slice.kind, slice.name, slice.fetched
        ));
    }
    for (name, c) in [
        ("communities", &report.communities),
        ("records", &report.records),
        ("community events", &report.community_events),
        ("usage events", &report.usage_events),
        ("total", &report.total),
    ] {
        out.push_str(&format!(
            "{name:<18} read {:>10}  new {:>10}  unchanged {:>10}  rejected {:>8}\n",
            c.read, c.new, c.unchanged, c.rejected
        ));
    }
    if report.deleted > 0 {
        out.push_str(&format!("{} records were deleted in the source\n", report.deleted));
    }
    if !report.not_in_source.is_empty() {
        out.push_str(&format!(
            "{} stored records are unknown to the source and were left alone: {}\n",
            report.not_in_source.len(),
            report.not_in_source.iter().take(20).cloned().collect::<Vec<_>>().join(", ")
        ));
    }
    for reject in &report.rejects {
        out.push_str(&format!("rejected {} {}: {}\n", reject.kind, reject.id, reject.reason));
    }
    if report.rejects_not_listed > 0 {
        out.push_str(&format!("… and {} more rejected documents\n", report.rejects_not_listed));
    }
    if !report.unknown_communities.is_empty() {
        out.push_str(&format!(
            "note: memberships of communities nobody knows yet were kept: {}\n",
            report.unknown_communities.join(", ")
        ));
    }
    for note in &report.notes {
        out.push_str(&format!("note: {note}\n"));
    }
    if report.dry_run {
        out.push_str("dry run: the first page of each was checked, nothing was stored\n");
    }
    out
}
