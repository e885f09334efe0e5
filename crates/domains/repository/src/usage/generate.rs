//! `usage-events generate`: invented usage of stored records (spec/invenio §13), seeded.

use std::io::Write as _;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::Serialize;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::enricher::Enricher;
use crate::{
    RepositoryError, TeamRepository, dates::utc_day, demo::random::Random, documents::Record, import::ImportRequest,
    state::current, tables::RECORDS,
};

const COUNTRIES: [&str; 8] = ["US", "GB", "DE", "FR", "CA", "IN", "BR", "JP"];

/// What to invent.
#[derive(Debug, Clone)]
pub struct GenerateRequest {
    /// First and last created day of the records.
    pub start: Option<Date>,
    pub end: Option<Date>,
    /// First and last day of the events; else those of the records.
    pub event_start: Option<Date>,
    pub event_end: Option<Date>,
    pub events_per_record: usize,
    /// 0 means all.
    pub max_records: usize,
    /// Write the enrichment into the events.
    pub enrich: bool,
    pub dry_run: bool,
    /// The same seed, records and clock give the same events.
    pub seed: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Generated {
    pub records_processed: u64,
    pub views: u64,
    pub downloads: u64,
    /// Stored now.
    pub indexed: u64,
    /// There already, from an earlier run with the same seed.
    pub unchanged: u64,
    pub errors: u64,
    pub first_event: Option<Timestamp>,
    pub last_event: Option<Timestamp>,
    pub seed: u64,
    pub dry_run: bool,
}

/// Told after every record: (done, all); answering `false` stops with nothing stored.
pub type Watch<'a> = dyn FnMut(u64, u64) -> bool + Send + 'a;

impl TeamRepository {
    /// Invents views of published records, and as many downloads of those with files, none of them in the future, and imports them like anybody's.
    ///
    /// Errors: `Stopped`, `Busy` while an import of the team runs, `BadRequest` for a range that ends before it starts, and the stores' errors.
    pub async fn generate_usage(
        &self,
        request: &GenerateRequest,
        watch: &mut Watch<'_>,
    ) -> Result<Generated, RepositoryError> {
        for (start, end, name) in [(request.start, request.end, ""), (request.event_start, request.event_end, "event-")]
        {
            if let (Some(start), Some(end)) = (start, end)
                && end < start
            {
                return Err(RepositoryError::BadRequest(format!(
                    "--{name}end-date {end} is before --{name}start-date {start}"
                )));
            }
        }
        let mut records = self.published(request).await?;
        if request.max_records > 0 {
            records.truncate(request.max_records);
        }
        let mut done = Generated { seed: request.seed, dry_run: request.dry_run, ..Generated::default() };
        let Some(earliest) = records.iter().map(|record| utc_day(record.created)).min() else { return Ok(done) };
        let now = self.control.clock().now();
        let first = request.event_start.or(request.start).unwrap_or(earliest);
        let last = request.event_end.or(request.end).unwrap_or_else(|| self.control.clock().today());
        let mut enricher = if request.enrich { Some(Enricher::load(&self.lake, &self.settings).await?) } else { None };
        let folder = tempfile::tempdir().map_err(|e| RepositoryError::Worker(format!("a folder for events: {e}")))?;
        let path = folder.path().join("generated.ndjson");
        let written = |e: std::io::Error| RepositoryError::Worker(format!("{}: {e}", path.display()));
        let mut out = std::io::BufWriter::new(std::fs::File::create(&path).map_err(written)?);
        let all = records.len() as u64;
        for record in &records {
            // A stream of its own for every record: one record more or less leaves the others' events as they are.
            let mut random = Random::new(request.seed, &record.id);
            let Some(span) = Span::of(record, first, last, now) else {
                done.records_processed += 1;
                continue;
            };
            let kinds = if record.with_files { 2 } else { 1 };
            for number in 0..request.events_per_record * kinds {
                let download = number >= request.events_per_record;
                let at = span.pick(&mut random);
                let event = event(record, number, download, at, &mut random, enricher.as_mut())?;
                done.views += u64::from(!download);
                done.downloads += u64::from(download);
                done.first_event = Some(done.first_event.map_or(at, |other| other.min(at)));
                done.last_event = Some(done.last_event.map_or(at, |other| other.max(at)));
                writeln!(out, "{event}").map_err(written)?;
            }
            done.records_processed += 1;
            if !watch(done.records_processed, all) {
                return Err(RepositoryError::Stopped);
            }
        }
        out.into_inner().map_err(|e| written(e.into_error()))?;
        if done.views == 0 {
            return Ok(done);
        }
        let import =
            ImportRequest { usage_events: vec![path.clone()], dry_run: request.dry_run, ..ImportRequest::default() };
        let report = self.import(&import, &mut |_| true).await?;
        done.indexed = if request.dry_run { 0 } else { report.usage_events.new };
        done.unchanged = report.usage_events.unchanged;
        done.errors = report.usage_events.rejected;
        Ok(done)
    }

    /// Published records of the range that are not deleted, by id.
    async fn published(&self, request: &GenerateRequest) -> Result<Vec<Record>, RepositoryError> {
        let mut records = Vec::new();
        for stored in current(&self.lake, &RECORDS).await?.into_values() {
            let document: Value = serde_json::from_str(&stored.doc)?;
            let record = Record::from_json(&document).map_err(|e| RepositoryError::Damaged(e.to_string()))?;
            let day = utc_day(record.created);
            let wanted = request.start.is_none_or(|start| start <= day) && request.end.is_none_or(|end| day <= end);
            if wanted && record.is_published && record.deleted.is_none() {
                records.push(record);
            }
        }
        records.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(records)
    }
}

/// When a record may be used: the parts of the months in between.
struct Span {
    months: Vec<(Timestamp, Timestamp)>,
}

impl Span {
    /// From the first day or the record's creation, whichever is later, to the end of the last day or now, whichever is earlier.
    fn of(record: &Record, first: Date, last: Date, now: Timestamp) -> Option<Self> {
        let start_of = |day: Date| day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
        let from = start_of(first)?.max(record.created);
        let to = start_of(last.saturating_add(1.day()))?.min(now);
        let mut months = Vec::new();
        let mut month = utc_day(from).first_of_month();
        while let Some(begin) = start_of(month) {
            let next = month.saturating_add(1.month());
            let (begin, end) = (begin.max(from), start_of(next)?.min(to));
            if begin >= to {
                break;
            }
            if begin < end {
                months.push((begin, end));
            }
            month = next;
        }
        (!months.is_empty()).then_some(Self { months })
    }

    /// Every month as likely as another, every millisecond of it too.
    fn pick(&self, random: &mut Random) -> Timestamp {
        let (from, to) = self.months[random.below(self.months.len())];
        let wide = usize::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(1).max(1);
        let millis = from.as_millisecond() + i64::try_from(random.below(wide)).unwrap_or(0);
        Timestamp::from_millisecond(millis).unwrap_or(from).max(from)
    }
}

fn event(
    record: &Record,
    number: usize,
    download: bool,
    at: Timestamp,
    random: &mut Random,
    enricher: Option<&mut Enricher>,
) -> Result<Value, RepositoryError> {
    let unique = format!("{}-{number}", record.id);
    let (visitor, session) = (random.hex(40), random.hex(40));
    let hash: String = Sha1::digest(format!("{unique}{visitor}")).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut event = json!({
        "id": format!("{at}-{hash}"),
        "event_type": if download { "download" } else { "view" },
        "timestamp": at.to_string(),
        "recid": record.id,
        "parent_recid": record.parent,
        "unique_id": unique,
        "visitor_id": visitor,
        "unique_session_id": session,
        "country": random.pick(&COUNTRIES),
        "referrer": format!("https://example.com/records/{}", record.id),
        "via_api": false,
        "is_robot": false,
        "is_machine": false,
        "updated_timestamp": at.to_string(),
    });
    let file = record.files.first();
    let file_id = file.and_then(|f| f.id.clone()).unwrap_or_else(|| format!("test-file-{}", record.id));
    let file_key = file.and_then(|f| f.key.clone());
    if download {
        event["file_id"] = json!(file_id);
        event["file_key"] = json!(file_key);
        event["size"] = json!(file.map_or(1_000_000, |f| f.size));
        event["bucket_id"] = json!(format!("bucket-{}", record.id));
    }
    if let Some(enricher) = enricher {
        let files = (download.then_some(file_id.as_str()), file_key.as_deref().filter(|_| download));
        let document = enricher.document(&record.id, at.as_microsecond(), download, files, None)?;
        if let (Some(event), Value::Object(fields)) = (event.as_object_mut(), serde_json::from_str(&document)?) {
            event.extend(fields);
        }
    }
    Ok(event)
}
