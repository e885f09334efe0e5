import { describe, expect, it } from "vitest";
import {
  drawable,
  freshName,
  hasProblem,
  homeOf,
  moveTo,
  otherProblems,
  placeInText,
  placeOf,
  problemsAt,
  removeAt,
  setAt,
  tabsOf,
} from "./draft";
import { groupsOf, propFields } from "./fields";

const DRAFT = {
  tabs: [
    {
      name: "a",
      label: { en: "A", de: "Ä" },
      rows: [{ name: "r", components: [{ component: "StatsMap", width: 8, props: { zoom: 1.3 } }] }],
    },
  ],
};

describe("a draft", () => {
  it("changes at one place and keeps the rest, the given draft itself too", () => {
    const width = ["tabs", 0, "rows", 0, "components", 0, "width"] as const;
    const wider = setAt(DRAFT, width, 16);
    expect(tabsOf(wider)[0]!.rows[0]!.components[0]).toEqual({
      component: "StatsMap",
      width: 16,
      props: { zoom: 1.3 },
    });
    expect(DRAFT.tabs[0]!.rows[0]!.components[0]!.width).toBe(8);
    expect(wider.tabs[0]!.label).toBe(DRAFT.tabs[0]!.label);
    expect(tabsOf(setAt(wider, width, undefined))[0]!.rows[0]!.components[0]).not.toHaveProperty("width");
  });

  it("makes what is missing on the way to a place", () => {
    expect(setAt({}, ["tabs", 0, "label", "en"], "A")).toEqual({ tabs: [{ label: { en: "A" } }] });
    expect(setAt({ tabs: "none" }, ["tabs", 0], { name: "a" })).toEqual({ tabs: [{ name: "a" }] });
  });

  it("moves and removes entries; a place outside moves nothing", () => {
    expect(moveTo(["a", "b", "c"], 0, 2)).toEqual(["b", "c", "a"]);
    expect(moveTo(["a", "b", "c"], 2, 1)).toEqual(["a", "c", "b"]);
    expect(moveTo(["a", "b"], 1, 2)).toEqual(["a", "b"]);
    expect(removeAt(["a", "b"], 0)).toEqual(["b"]);
  });

  it("is read whatever is in it", () => {
    for (const broken of [null, 7, [], {}, { tabs: {} }]) expect(tabsOf(broken)).toEqual([]);
    expect(
      tabsOf({ tabs: [null, { rows: [3, { components: ["x", { component: 1, width: "9", props: [] }] }] }] }),
    ).toEqual([
      { name: "", label: "", rows: [] },
      {
        name: "",
        label: "",
        rows: [
          { name: "", components: [] },
          { name: "", components: [{ component: "" }, { component: "" }] },
        ],
      },
    ]);
  });

  it("is drawn with widths that fit the grid", () => {
    const wide = setAt(DRAFT, ["tabs", 0, "rows", 0, "components", 0, "width"], 99);
    expect(drawable(tabsOf(wide)[0])!.rows[0]!.components[0]!.width).toBe(16);
    expect(drawable(undefined)).toBeUndefined();
  });

  it("names what is added as nothing else is named", () => {
    expect(freshName("tab", [])).toBe("tab");
    expect(freshName("tab", ["tab", "tab-2"])).toBe("tab-3");
  });
});

describe("problems", () => {
  const problems = [
    { path: "tabs[0].rows[1].components[2].width", reason: "17 is not a whole number from 1 to 16" },
    { path: "tabs[0].rows[1].components[2].props.odd.deep", reason: "is odd" },
    { path: "tabs[10].rows", reason: "is empty" },
    { path: "tab", reason: "is unknown here" },
  ];

  it("belong to the innermost tab, row or component that their path names", () => {
    expect(problems.map((one) => homeOf(one.path))).toEqual([
      { home: "tabs[0].rows[1].components[2]", field: "width" },
      { home: "tabs[0].rows[1].components[2]", field: "props.odd.deep" },
      { home: "tabs[10]", field: "rows" },
      { home: "", field: "tab" },
    ]);
    expect(placeOf("tabs[0].rows[1].components[2].width")).toEqual({ tab: 0, row: 1, component: 2 });
    expect(placeOf("tab")).toBeNull();
  });

  it("stand at their field, all others beside the form", () => {
    const home = "tabs[0].rows[1].components[2]";
    expect(problemsAt(problems, home, "width")).toEqual(["17 is not a whole number from 1 to 16"]);
    expect(otherProblems(problems, home, ["width"]).map((one) => one.reason)).toEqual(["is odd"]);
    expect([
      hasProblem(problems, "tabs[0]"),
      hasProblem(problems, "tabs[1]"),
      hasProblem(problems, "tabs[10]"),
    ]).toEqual([true, false, true]);
  });

  it("of the text have a line and a column", () => {
    expect(placeInText('{\n  "a": x', 9)).toEqual({ line: 2, column: 8 });
  });
});

describe("the registry", () => {
  it("is offered in groups, components of the installation first", () => {
    const groups = groupsOf(
      [
        "MyWidget",
        "SingleStatViews",
        "StatsMap",
        "LanguagesMultiDisplay",
        "LanguagesMultiDisplayViewsDelta",
        "StatsPopup",
      ],
      ["MyWidget"],
    );
    expect(groups).toEqual([
      ["custom", ["MyWidget"]],
      ["stats", ["SingleStatViews"]],
      ["charts", ["StatsMap"]],
      ["records", ["LanguagesMultiDisplay"]],
      ["views", ["LanguagesMultiDisplayViewsDelta"]],
      ["others", ["StatsPopup"]],
    ]);
  });

  it("asks for the properties a component reads, and for none of a custom one", () => {
    expect(propFields("StatsMap").map((field) => field.name)).toContain("uniformColorMode");
    expect(propFields("LanguagesMultiDisplay").map((field) => field.name)).toContain("available_views");
    expect(propFields("MyWidget")).toEqual([]);
  });
});
