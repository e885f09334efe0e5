//! Whether a migrated month is what it should be, read back from the disk (spec/invenio §12e).

use std::collections::HashSet;

use tallykeep_lake::{
    Scan,
    arrow::{
        array::{Array, AsArray},
        datatypes::{Int32Type, Int64Type, TimestampMicrosecondType},
    },
};

use super::{
    Slice,
    enricher::{COLUMNS, COMMUNITIES, number},
    migrate::Work,
    of_kind,
};
use crate::{
    RepositoryError, TeamRepository,
    documents::UsageKind,
    tables::{ENRICHED, ENRICHMENTS, USAGE},
};

/// What a set of rows adds up to, whatever their order: two sets with the same sums have the same identities at the same instants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub rows: u64,
    mixed: u64,
    turned: u64,
}

impl Sums {
    pub fn add(&mut self, ts: i64, identity: (i64, i64)) {
        let mut bytes = [0_u8; 24];
        bytes[..8].copy_from_slice(&ts.to_le_bytes());
        bytes[8..16].copy_from_slice(&identity.0.to_le_bytes());
        bytes[16..].copy_from_slice(&identity.1.to_le_bytes());
        let hash = xxhash_rust::xxh3::xxh3_64(&bytes);
        self.rows += 1;
        self.mixed ^= hash;
        self.turned = self.turned.wrapping_add(hash.rotate_left(17).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
}

/// An event picked for a closer look.
struct Sample {
    identity: (i64, i64),
    ts: i64,
    /// Number of the enrichment it should have.
    expected: i64,
}

impl TeamRepository {
    /// Holds a month's enrichment against its events. Answers what is wrong; nothing means that
    /// every event has exactly one row at its instant and no row is without event,
    /// every row names an enrichment that is stored and has `community_ids`,
    /// and a sample of rows says what working it out again says.
    pub(super) async fn validate_slice(
        &self,
        slice: &Slice,
        work: &mut Work<'_, '_>,
    ) -> Result<Vec<String>, RepositoryError> {
        let mut wrong = Vec::new();
        let (source, samples) = self.source_sums(slice, work).await?;
        let config = work.again.then_some(work.config.as_str());
        let (target, found) = self.target_sums(slice, config, &samples).await?;
        if source.rows != target.rows {
            wrong.push(format!(
                "{} events in {} but {} in {}",
                source.rows,
                slice.source(),
                target.rows,
                slice.target()
            ));
        } else if source != target {
            wrong.push(format!("{} does not hold the events of {}", slice.target(), slice.source()));
        }
        self.verify_enrichments(work).await?;
        for (id, says) in found.used.iter().map(|id| (id, work.verified.get(id))) {
            let fault = match says {
                Some(true) => continue,
                Some(false) => "is damaged or has no community_ids",
                None => "is not stored",
            };
            wrong.push(format!("enrichment {id:016x} named in {} {fault}", slice.target()));
        }
        for (sample, _) in samples.iter().zip(&found.of_samples).filter(|(s, found)| Some(s.expected) != **found) {
            let at = jiff::Timestamp::from_microsecond(sample.ts)
                .map_or_else(|_| sample.ts.to_string(), |at| at.to_string());
            let id = format!("{:016x}{:016x}", sample.identity.0, sample.identity.1);
            wrong.push(format!("event {id} at {at} is not what its record and communities say"));
        }
        Ok(wrong)
    }

    /// Sums of the events, and a sample of them with the enrichment each should have. The sample is every n-th by the hash of the identity, so that it is
    /// the same for the same events.
    async fn source_sums(
        &self,
        slice: &Slice,
        work: &mut Work<'_, '_>,
    ) -> Result<(Sums, Vec<Sample>), RepositoryError> {
        let table = self.lake.table(&USAGE);
        let files: Vec<_> =
            table.view().await?.files.iter().filter(|f| f.partition[0] == slice.month).cloned().collect();
        let (mut sums, mut samples) = (Sums::default(), Vec::<(u64, Sample)>::new());
        let most = usize::try_from(self.settings.spot_checks).unwrap_or(0);
        let download = slice.kind == UsageKind::Download;
        let scan = Scan { columns: COLUMNS.to_vec(), filters: vec![of_kind(slice.kind)] };
        for file in &files {
            for batch in table.scan_files(std::slice::from_ref(file), &scan).await? {
                let at = batch.column(0).as_primitive::<TimestampMicrosecondType>();
                let (high, low) =
                    (batch.column(1).as_primitive::<Int64Type>(), batch.column(2).as_primitive::<Int64Type>());
                let words = |column: usize, row: usize| {
                    let column = batch.column(column).as_dictionary::<Int32Type>();
                    let key = column.key(row)?;
                    let texts = column.values().as_string::<i32>();
                    Some(texts.value(key).to_owned())
                };
                for row in 0..batch.num_rows() {
                    let (ts, identity) = (at.value(row), (high.value(row), low.value(row)));
                    sums.add(ts, identity);
                    let place = identity.1.cast_unsigned().rotate_left(29);
                    if most == 0 || (samples.len() >= most && samples.last().is_some_and(|(last, _)| place >= *last)) {
                        continue;
                    }
                    let own = batch.column(7).as_string::<i32>();
                    let own = own.is_valid(row).then(|| own.value(row));
                    let (recid, file_id, file_key) = (words(4, row), words(5, row), words(6, row));
                    let files = (file_id.as_deref(), file_key.as_deref());
                    let expected = work.enricher.document(recid.as_deref().unwrap_or(""), ts, download, files, own)?;
                    let after = samples.partition_point(|(other, _)| *other <= place);
                    samples.insert(after, (place, Sample { identity, ts, expected: number(&expected) }));
                    samples.truncate(most);
                }
            }
        }
        Ok((sums, samples.into_iter().map(|(_, sample)| sample).collect()))
    }

    async fn target_sums(
        &self,
        slice: &Slice,
        config: Option<&str>,
        samples: &[Sample],
    ) -> Result<(Sums, Found), RepositoryError> {
        let mut files = self.enriched_files(slice).await?;
        files.retain(|file| config.is_none_or(|config| file.partition[2] == config));
        let wanted: std::collections::HashMap<(i64, i64), usize> =
            samples.iter().enumerate().map(|(number, sample)| (sample.identity, number)).collect();
        let mut found = Found { used: HashSet::new(), of_samples: vec![None; samples.len()] };
        let mut sums = Sums::default();
        for batch in self.lake.table(&ENRICHED).scan_files(&files, &Scan::default()).await? {
            let at = batch.column(0).as_primitive::<TimestampMicrosecondType>();
            let (high, low) =
                (batch.column(1).as_primitive::<Int64Type>(), batch.column(2).as_primitive::<Int64Type>());
            let enrichments = batch.column(3).as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let identity = (high.value(row), low.value(row));
                sums.add(at.value(row), identity);
                found.used.insert(enrichments.value(row));
                if let Some(number) = wanted.get(&identity) {
                    found.of_samples[*number] = Some(enrichments.value(row));
                }
            }
        }
        Ok((sums, found))
    }

    /// Reads back the enrichments this run has not read yet: each must be what its number says, and say what communities it is about.
    async fn verify_enrichments(&self, work: &mut Work<'_, '_>) -> Result<(), RepositoryError> {
        let table = self.lake.table(&ENRICHMENTS);
        let view = table.view().await?;
        let fresh: Vec<_> = view.files.iter().filter(|f| !work.verified_files.contains(&f.path)).cloned().collect();
        for batch in table.scan_files(&fresh, &Scan::default()).await? {
            let (ids, docs) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_string::<i32>());
            for row in 0..batch.num_rows() {
                let (id, doc) = (ids.value(row), docs.value(row));
                let right = number(doc) == id && doc.starts_with(COMMUNITIES);
                *work.verified.entry(id).or_insert(right) &= right;
            }
        }
        work.verified_files.extend(fresh.into_iter().map(|file| file.path));
        Ok(())
    }
}

struct Found {
    used: HashSet<i64>,
    /// By number of the sample.
    of_samples: Vec<Option<i64>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(rows: &[(i64, (i64, i64))]) -> Sums {
        let mut sums = Sums::default();
        rows.iter().for_each(|(ts, identity)| sums.add(*ts, *identity));
        sums
    }

    #[test]
    fn sums_know_a_row_that_is_missing_doubled_moved_or_another() {
        let rows = [(1, (5, 6)), (2, (7, 8)), (3, (9, 10))];
        let reordered = [rows[2], rows[0], rows[1]];
        assert_eq!(sums(&rows), sums(&reordered), "order does not matter");
        assert_ne!(sums(&rows), sums(&rows[..2]));
        assert_ne!(sums(&rows), sums(&[rows[0], rows[1], rows[1]]));
        assert_ne!(sums(&rows), sums(&[rows[0], rows[1], (4, (9, 10))]));
        assert_ne!(sums(&rows), sums(&[rows[0], rows[1], (3, (10, 9))]));
        // Two rows that would cancel out each other by exclusive or alone.
        assert_ne!(sums(&[rows[0], rows[0], rows[1]]), sums(&[rows[2], rows[2], rows[1]]));
    }
}
