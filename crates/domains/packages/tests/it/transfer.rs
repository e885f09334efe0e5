use tallykeep_packages::{
    jobs::downloads::DownloadOptions,
    transfer::{ExportFilter, ExportFormat, ImportOptions, export_stats, export_wide},
};

use crate::support::{House, catalogue, day, ledger};

const NOW: &str = "2026-03-08T09:00:00Z";

#[tokio::test]
async fn what_is_exported_comes_in_again_unchanged_and_bad_lines_are_named() {
    let house = House::new(NOW).await;
    let config = catalogue(&[("downloads:a:python", "pypistats", "a"), ("downloads:b:python", "pypistats", "b")]);
    let jobs = house.jobs(NOW, &config).await;
    let file = house.dir.path().join("stats.jsonl");
    std::fs::write(
        &file,
        concat!(
            "{\"metric_id\":\"downloads:a:python\",\"period_end\":\"2026-03-01\",\"value\":5,\"source_window\":\"1d\",\"provenance\":\"api_daily\",\"observed_at\":\"2026-03-02 09:00:00\"}\n",
            "{\"metric_id\":\"downloads:a:python\",\"period_end\":\"2026-02-30\",\"value\":5}\n",
            "{\"metric_id\":\"downloads:zzz:python\",\"period_end\":\"2026-03-01\",\"value\":5}\n",
            "{\"metric_id\":\"downloads:a:python\",\"period_end\":\"2026-03-02\",\"value\":\"many\"}\n",
            "not json\n",
            "{\"metric_id\":\"downloads:b:python\",\"period_end\":\"2026-03-03\",\"value\":7,\"source_window\":\"1d\"}\n",
        ),
    )
    .expect("written");
    let imported = jobs.import_stats(&[&file], &ImportOptions::default()).await.expect("imported");
    assert_eq!((imported.read, imported.report.inserted, imported.rejected), (6, 2, 4));
    let reasons: Vec<String> = imported.rejects.iter().map(|r| format!("{}: {}", r.line, r.reason)).collect();
    assert_eq!(reasons[0], "2: period_end: `2026-02-30` is not YYYY-MM-DD");
    assert!(reasons[1].starts_with("3: metric_id: `downloads:zzz:python` is not in the catalogue"), "{reasons:?}");
    assert_eq!(reasons[2], "4: value: `many` is not a count");
    assert!(reasons[3].starts_with("5: not JSON"));
    let mut out = Vec::new();
    let filter = ExportFilter::default();
    assert_eq!(export_stats(&jobs.store, &filter, ExportFormat::JsonLines, &mut out).await.expect("exported"), 2);
    let again = house.dir.path().join("again.jsonl");
    std::fs::write(&again, &out).expect("written");
    let imported = jobs.import_stats(&[&again], &ImportOptions::default()).await.expect("imported");
    assert_eq!(
        (imported.report.inserted, imported.report.updated, imported.report.unchanged, imported.rejected),
        (0, 0, 2, 0)
    );
    let mut csv = Vec::new();
    export_stats(&jobs.store, &filter, ExportFormat::Csv, &mut csv).await.expect("exported");
    assert!(String::from_utf8_lossy(&csv).starts_with("metric_id,period_start,period_end,observed_at,value,"));
    let wide = export_wide(&jobs).await.expect("exported");
    assert_eq!(wide, "date,a_python_downloads,b_python_downloads\n2026-03-01,5,\n2026-03-02,,\n2026-03-03,,7\n");
    let mut parquet = Vec::new();
    export_stats(&jobs.store, &filter, ExportFormat::Parquet, &mut parquet).await.expect("exported");
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(parquet))
        .expect("a Parquet file");
    let batches: Vec<_> = reader.build().expect("a reader").map(|b| b.expect("a batch")).collect();
    assert_eq!(batches.iter().map(|b| b.num_rows()).sum::<usize>(), 2);
}

/// A reader that is gone, as behind `| head`.
struct Gone;

impl std::io::Write for Gone {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_reader_that_is_gone_is_told_apart_in_every_format() {
    let house = House::new(NOW).await;
    let jobs = house.jobs(NOW, &catalogue(&[("downloads:a:python", "pypistats", "a")])).await;
    house.fake.pypi("a", [(day("2026-03-07"), 10, 4)]);
    jobs.update_daily_downloads(DownloadOptions::default()).await.expect("a report");
    for format in [ExportFormat::JsonLines, ExportFormat::Csv, ExportFormat::Parquet] {
        let error = export_stats(&jobs.store, &ExportFilter::default(), format, &mut Gone).await.expect_err("gone");
        let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
        assert_eq!(cause.map(std::io::Error::kind), Some(std::io::ErrorKind::BrokenPipe), "{format:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_csv_of_another_tool_is_mapped_and_its_packages_are_added() {
    let house = House::new(NOW).await;
    let jobs = house.jobs(NOW, &catalogue(&[("downloads:a:python", "pypistats", "a")])).await;
    let file = house.dir.path().join("x.csv");
    std::fs::write(&file, "pkg,on,n\na,2026-03-01,\"1,000\"\nOther Pkg,2026-03-01,3\n").expect("written");
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let options = ImportOptions {
        map: vec![pair("subject", "pkg"), pair("period_end", "on"), pair("value", "n")],
        source: Some("conda".to_owned()),
        window: Some("1d".to_owned()),
        ..ImportOptions::default()
    };
    let imported = jobs.import_stats(&[&file], &options).await.expect("imported");
    assert_eq!((imported.report.inserted, imported.metrics_added), (2, 2), "{:?}", imported.rejects);
    assert_eq!(ledger(&jobs, "downloads:other-pkg:conda").await, ["2026-03-01 3"]);
    let metrics = jobs.store.metrics().await.expect("metrics");
    assert_eq!(metrics.len(), 3, "an imported metric of another source is another metric");
    jobs.sync_catalogue().await.expect("written");
    assert_eq!(jobs.store.metrics().await.expect("metrics").len(), 3, "and survives the catalogue");
    let wrong = ImportOptions { map: vec![pair("when", "on")], ..ImportOptions::default() };
    let error = jobs.import_stats(&[&file], &wrong).await.expect_err("no such field").to_string();
    assert!(error.contains("--map when"), "{error}");
    let _ = day("2026-03-01");
}
