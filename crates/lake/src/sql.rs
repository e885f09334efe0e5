//! SQL over tables: the same files, planned by the engine. For questions a scan cannot answer.

use std::sync::Arc;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider},
    error::Result as EngineResult,
    logical_expr::{Expr, TableType},
    physical_plan::{ExecutionPlan, empty::EmptyExec},
    prelude::{SessionConfig, SessionContext},
};

use crate::{DataFile, Filter, LakeError, Scan, Table, TeamLake};

/// One session for all plans: UTC, one partition per core.
pub(crate) fn session() -> SessionContext {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let config = SessionConfig::new().with_target_partitions(cores).with_information_schema(false);
    SessionContext::new_with_config(config)
}

/// A table's files as the engine sees them. `filters` prune files and rows before the query's own conditions.
#[derive(Debug)]
struct FilesTable {
    table: Named,
    schema: SchemaRef,
    files: Vec<DataFile>,
    filters: Vec<Filter>,
}

struct Named(Table);

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.def.name)
    }
}

#[async_trait]
impl TableProvider for FilesTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let columns = match projection {
            None => Vec::new(),
            Some(indices) => indices.iter().filter_map(|&i| self.table.0.def.columns.get(i)).map(|c| c.name).collect(),
        };
        let projected = match projection {
            None => self.schema.clone(),
            Some(indices) => Arc::new(self.schema.project(indices)?),
        };
        // `count(*)` asks for no column at all; a scan without columns would mean all of them.
        let nothing = projection.is_some_and(Vec::is_empty);
        let scan = Scan {
            columns: if nothing { vec![self.table.0.def.columns[0].name] } else { columns },
            filters: self.filters.clone(),
        };
        let partitions = state.config().target_partitions();
        let external = |e: LakeError| datafusion::error::DataFusionError::External(Box::new(e));
        match self.table.0.plan(&self.files, &scan, partitions).map_err(external)? {
            None => Ok(Arc::new(EmptyExec::new(projected))),
            Some(plan) if nothing => {
                let none: Vec<datafusion::physical_plan::projection::ProjectionExpr> = Vec::new();
                Ok(Arc::new(datafusion::physical_plan::projection::ProjectionExec::try_new(none, plan)?))
            }
            Some(plan) => Ok(plan),
        }
    }
}

impl TeamLake {
    /// Runs one query over the team's tables, each under its definition's name and restricted to its filters.
    ///
    /// Errors: `Query` with the engine's words.
    pub async fn sql(&self, query: &str, tables: &[(&Table, Vec<Filter>)]) -> Result<Vec<RecordBatch>, LakeError> {
        let started = std::time::Instant::now();
        let name = tables.first().map_or("query", |(table, _)| table.def.name);
        let wrong = |source| LakeError::Query { table: name.to_owned(), source };
        // Its own catalogue: two queries at once would find each other's tables under the same names.
        let shared = &self.lake.inner.session;
        let context = SessionContext::new_with_config_rt(shared.copied_config(), shared.runtime_env());
        for (table, filters) in tables {
            let files = table.view().await?.files.clone();
            let provider = FilesTable {
                table: Named((*table).clone()),
                schema: table.def.schema(),
                files,
                filters: filters.clone(),
            };
            context.register_table(table.def.name, Arc::new(provider)).map_err(wrong)?;
        }
        let batches = context.sql(query).await.map_err(wrong)?.collect().await.map_err(wrong)?;
        let (took, rows) = (started.elapsed(), batches.iter().map(RecordBatch::num_rows).sum::<usize>());
        if took > self.lake.inner.slow_query {
            tracing::warn!(team = %self.team(), ?took, rows, "slow query: {name}");
        }
        Ok(batches)
    }
}
