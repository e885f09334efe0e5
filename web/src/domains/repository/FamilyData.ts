import type { Block } from "../../api/dashboard";
import type { Family } from "../../api/types";
import { type Coverage, type DailySeries, mergeCoverage, mergeSeries } from "../../series/merge";
import type { Kind } from "../../series/model";
import { type Dimension, wireKeys } from "./dimensions";

export function kindOf(family: Family): Kind {
  return family.endsWith("snapshot") ? "snapshot" : "delta";
}

/** The yearly answers of one family, joined. Series are merged when first asked for and kept. */
export class FamilyData {
  readonly coverage: Coverage;
  readonly savedAt: number;
  private readonly merged = new Map<string, DailySeries[]>();

  constructor(
    readonly family: Family,
    private readonly blocks: readonly Block[],
  ) {
    const ordered = [...blocks].sort((a, b) => a.year - b.year);
    this.blocks = ordered;
    this.coverage = mergeCoverage(ordered.map((block) => Object.values(block.result.global ?? {}).flat()));
    this.savedAt = ordered.reduce((newest, block) => Math.max(newest, block.savedAt), 0);
  }

  get kind(): Kind {
    return kindOf(this.family);
  }

  private series(subcount: string, metric: string): DailySeries[] {
    const key = `${subcount}/${metric}`;
    let series = this.merged.get(key);
    if (!series) {
      series = mergeSeries(this.blocks.map((block) => block.result[subcount]?.[metric] ?? []));
      this.merged.set(key, series);
    }
    return series;
  }

  /** The whole scope; the first metric of the list that the server sent. */
  global(...metrics: string[]): DailySeries | undefined {
    for (const metric of metrics) {
      const [series] = this.series("global", metric);
      if (series) return series;
    }
    return undefined;
  }

  values(dimension: Dimension, metric: string): DailySeries[] {
    for (const key of wireKeys(this.family, dimension, metric)) {
      const series = this.series(key, metric);
      if (series.length > 0) return series;
    }
    return [];
  }

  /** Whether any non-empty series exists at all (spec §16.7). */
  get isEmpty(): boolean {
    return !this.blocks.some((block) =>
      Object.values(block.result).some((metrics) =>
        Object.values(metrics).some((list) => list.some((series) => series.data.length > 0)),
      ),
    );
  }
}
