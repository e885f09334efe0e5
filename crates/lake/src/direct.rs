//! Reading a few files without the planner: their footers are remembered, pages that cannot match are never opened.
//!
//! A page of a dashboard reads some fifty small files; planning and opening them anew costs more than the rows do
//! (docs/adr/0009-small-reads-go-past-the-planner.md). Streams and SQL still go through plan nodes.

use std::{collections::HashSet, fs::File, os::unix::fs::FileExt, path::Path, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch},
    datatypes::{DataType, Date32Type, Int64Type, SchemaRef, TimestampMicrosecondType},
    error::ArrowError,
};
use bytes::{Buf, Bytes, buf::Reader};
use datafusion::parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowPredicate, ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
            RowFilter, RowSelection, RowSelector, statistics::StatisticsConverter,
        },
    },
    errors::{ParquetError, Result as ParquetResult},
    file::{
        metadata::PageIndexPolicy,
        reader::{ChunkReader, Length},
    },
};

use crate::{Filter, LakeError, Scan, Table, day_number};

/// Rows per batch, as many as the engine's.
const BATCH_ROWS: usize = 8_192;

/// A data file, read at any place without moving a cursor.
struct Place {
    file: File,
    length: u64,
}

impl Length for Place {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Place {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        // Only asked for by files without an index of their pages, to find where a page's header ends.
        let rest = usize::try_from(self.length.saturating_sub(start)).unwrap_or(usize::MAX);
        Ok(self.get_bytes(start, rest)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let mut buffer = vec![0; length];
        self.file.read_exact_at(&mut buffer, start).map_err(|e| ParquetError::External(Box::new(e)))?;
        Ok(buffer.into())
    }
}

/// A file's footer with the index of its pages; `None` where its columns are not those of the table today.
pub(crate) type Footer = Option<ArrowReaderMetadata>;

impl Table {
    /// The matching rows of one file in file order; `None` for a file of an older shape, which the engine must complete. Blocking.
    pub(crate) fn read_file(
        &self,
        path: &Path,
        known: Option<Footer>,
        projection: Option<&[usize]>,
        scan: &Scan,
    ) -> Result<(Option<Vec<RecordBatch>>, Footer), LakeError> {
        let file = File::open(path).map_err(LakeError::io(path))?;
        let length = file.metadata().map_err(LakeError::io(path))?.len();
        let place = Place { file, length };
        let parquet = |source| LakeError::Parquet { table: self.def.name.to_owned(), source };
        let footer = match known {
            Some(footer) => footer,
            None => load(&place, &self.def.schema()).map_err(parquet)?,
        };
        let Some(metadata) = &footer else { return Ok((None, footer)) };
        let batches = rows(place, metadata.clone(), projection, scan).map_err(parquet)?;
        Ok((Some(batches), footer))
    }
}

fn load(place: &Place, schema: &SchemaRef) -> ParquetResult<Footer> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let metadata = ArrowReaderMetadata::load(place, options)?;
    let (own, wanted) = (metadata.schema().fields(), schema.fields());
    let same = own.len() == wanted.len()
        && own.iter().zip(wanted).all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type());
    Ok(same.then_some(metadata))
}

fn rows(
    place: Place,
    metadata: ArrowReaderMetadata,
    projection: Option<&[usize]>,
    scan: &Scan,
) -> ParquetResult<Vec<RecordBatch>> {
    let (groups, selection) = pages(&metadata, &scan.filters)?;
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let schema = metadata.metadata().file_metadata().schema_descr_ptr();
    let mask = match projection {
        None => ProjectionMask::all(),
        Some(columns) => ProjectionMask::roots(&schema, columns.iter().copied()),
    };
    let predicates = scan.filters.iter().map(|filter| {
        let column = metadata.schema().index_of(filter.column()).map_err(ParquetError::from)?;
        let filter = filter.clone();
        let own = ProjectionMask::roots(&schema, [column]);
        let holds = move |batch: RecordBatch| Ok(filter.holds(batch.column(0)));
        Ok(Box::new(ArrowPredicateFn::new(own, holds)) as Box<dyn ArrowPredicate>)
    });
    let predicates = predicates.collect::<ParquetResult<Vec<_>>>()?;
    let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(place, metadata)
        .with_batch_size(BATCH_ROWS)
        .with_row_groups(groups)
        .with_projection(mask)
        .with_row_filter(RowFilter::new(predicates));
    if let Some(selection) = selection {
        builder = builder.with_row_selection(selection);
    }
    let batches = builder.build()?.collect::<Result<Vec<_>, ArrowError>>()?;
    // The reader gives columns in the file's order; who asks may want another.
    let Some(columns) = projection.filter(|columns| !columns.is_sorted()) else { return Ok(batches) };
    let place_of = |column: &usize| columns.iter().filter(|other| *other < column).count();
    let order: Vec<usize> = columns.iter().map(place_of).collect();
    batches.iter().map(|batch| batch.project(&order).map_err(ParquetError::from)).collect()
}

/// The row groups that may hold matching rows, and which of their pages; no selection where the file has no index of pages.
fn pages(metadata: &ArrowReaderMetadata, filters: &[Filter]) -> ParquetResult<(Vec<usize>, Option<RowSelection>)> {
    let (file, schema) = (metadata.metadata(), metadata.schema());
    let descriptor = file.file_metadata().schema_descr();
    let converters = filters
        .iter()
        .map(|filter| Ok((filter, StatisticsConverter::try_new(filter.column(), schema, descriptor)?)))
        .collect::<ParquetResult<Vec<_>>>()?;
    let mut groups: Vec<usize> = (0..file.num_row_groups()).collect();
    for (filter, converter) in &converters {
        let least = converter.row_group_mins(file.row_groups())?;
        let greatest = converter.row_group_maxes(file.row_groups())?;
        groups.retain(|&group| filter.may_lie_between(&least, &greatest, group));
    }
    let (Some(columns), Some(offsets)) = (file.column_index(), file.offset_index()) else { return Ok((groups, None)) };
    let mut selection: Option<RowSelection> = None;
    for (filter, converter) in &converters {
        let least = converter.data_page_mins(columns, offsets, &groups)?;
        let greatest = converter.data_page_maxes(columns, offsets, &groups)?;
        let Some(counts) = converter.data_page_row_counts(offsets, file.row_groups(), &groups)? else { continue };
        let selectors: Vec<RowSelector> = counts
            .values()
            .iter()
            .enumerate()
            .map(|(page, &count)| {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                let wanted = filter.may_lie_between(&least, &greatest, page);
                if wanted { RowSelector::select(count) } else { RowSelector::skip(count) }
            })
            .collect();
        let own = RowSelection::from(selectors);
        selection = Some(selection.map_or_else(|| own.clone(), |all| all.intersection(&own)));
    }
    Ok((groups, selection))
}

impl Filter {
    pub(crate) fn column(&self) -> &'static str {
        match self {
            Self::Days { column, .. }
            | Self::Instants { column, .. }
            | Self::OneOf { column, .. }
            | Self::Ints { column, .. } => column,
        }
    }

    /// Whether values between the ends at `at` may match; unknown ends may.
    fn may_lie_between(&self, least: &ArrayRef, greatest: &ArrayRef, at: usize) -> bool {
        if least.len() <= at || greatest.len() <= at || least.is_null(at) || greatest.is_null(at) {
            return true;
        }
        match self {
            Self::Days { first, last, .. } => {
                let (low, high) = (least.as_primitive::<Date32Type>(), greatest.as_primitive::<Date32Type>());
                low.value(at) <= day_number(*last) && day_number(*first) <= high.value(at)
            }
            Self::Instants { from, to, .. } => {
                let low = least.as_primitive::<TimestampMicrosecondType>().value(at);
                let high = greatest.as_primitive::<TimestampMicrosecondType>().value(at);
                low < *to && *from <= high
            }
            Self::OneOf { values, .. } => {
                let (low, high) = (least.as_string::<i32>().value(at), greatest.as_string::<i32>().value(at));
                values.iter().any(|value| low <= value.as_str() && value.as_str() <= high)
            }
            Self::Ints { least: low, greatest: high, .. } => {
                let (least, greatest) = (least.as_primitive::<Int64Type>(), greatest.as_primitive::<Int64Type>());
                least.value(at) <= *high && *low <= greatest.value(at)
            }
        }
    }

    /// Which rows match; a row without a value does not.
    fn holds(&self, column: &ArrayRef) -> BooleanArray {
        match self {
            Self::Days { first, last, .. } => {
                let (first, last) = (day_number(*first), day_number(*last));
                BooleanArray::from_unary(column.as_primitive::<Date32Type>(), |day| first <= day && day <= last)
            }
            Self::Instants { from, to, .. } => {
                let instants = column.as_primitive::<TimestampMicrosecondType>();
                BooleanArray::from_unary(instants, |at| *from <= at && at < *to)
            }
            Self::Ints { least, greatest, .. } => {
                let numbers = column.as_primitive::<Int64Type>();
                BooleanArray::from_unary(numbers, |number| *least <= number && number <= *greatest)
            }
            Self::OneOf { values, .. } => {
                let wanted: HashSet<&str> = values.iter().map(String::as_str).collect();
                match column.data_type() {
                    DataType::Dictionary(..) => {
                        let dictionary = column.as_any_dictionary();
                        let texts = dictionary.values().as_string::<i32>();
                        if texts.is_empty() {
                            return vec![false; column.len()].into();
                        }
                        // Texts are compared once per dictionary, not once per row.
                        let held: Vec<bool> =
                            (0..texts.len()).map(|at| texts.is_valid(at) && wanted.contains(texts.value(at))).collect();
                        let keys = dictionary.normalized_keys();
                        (0..column.len())
                            .map(|row| column.is_valid(row) && held.get(keys[row]).copied().unwrap_or(false))
                            .collect::<Vec<bool>>()
                            .into()
                    }
                    _ => {
                        let texts = column.as_string::<i32>();
                        (0..texts.len())
                            .map(|row| texts.is_valid(row) && wanted.contains(texts.value(row)))
                            .collect::<Vec<bool>>()
                            .into()
                    }
                }
            }
        }
    }
}

/// Footers of files read lately, by path. Data files never change, so they are right as long as they are kept.
pub(crate) type Footers = moka::sync::Cache<Arc<Path>, Footer>;

/// Bytes of footers kept, over all tables.
const FOOTER_ROOM: u64 = 8 << 20;

pub(crate) fn footers() -> Footers {
    moka::sync::Cache::builder()
        .max_capacity(FOOTER_ROOM)
        .weigher(|path: &Arc<Path>, footer: &Footer| {
            let size = footer.as_ref().map_or(0, |footer| footer.metadata().memory_size());
            u32::try_from(size + path.as_os_str().len() + 256).unwrap_or(u32::MAX)
        })
        .build()
}
