import { CustomChart, MapChart, PieChart } from "echarts/charts";
import { GeoComponent, GridComponent } from "echarts/components";
import { type EChartsType, init, registerMap, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

// Only what the pages draw. The SVG renderer keeps colours as CSS variables, so light and dark need no second drawing.
use([CustomChart, MapChart, PieChart, GeoComponent, GridComponent, SVGRenderer]);

export { type EChartsType, init, registerMap };
