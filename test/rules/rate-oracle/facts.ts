import type { Session } from "./shapes.ts";
import { wallClock } from "./wall-clock.ts";

/** Values a session meets at its periods' starts and its end: bounds drawn from them are met exactly. */
export interface Facts {
  times: string[];
  dates: string[];
  weekdays: string[];
  kwh: number[];
  seconds: number[];
  kW: number[];
  amperes: number[];
}

const HOUR = 3_600_000;

export function factsOf({
  charging_periods: periods,
  start_date_time,
  end_date_time,
  time_zone,
}: Session): Facts {
  const instants = [...periods.map((period) => period.start_date_time), end_date_time].map((stamp) =>
    Date.parse(stamp),
  );
  const clocks = instants.map((instant) => wallClock(instant, time_zone));
  const volumes = (type: string) =>
    periods.flatMap(({ dimensions }) =>
      dimensions.filter((each) => each.type === type).map((each) => Number(each.volume)),
    );
  let tenthsOfWh = 0;
  const kwh = periods.map(({ dimensions }) => {
    for (const { type, volume } of dimensions)
      if (type === "ENERGY") tenthsOfWh += Math.round(Number(volume) * 10_000);
    return tenthsOfWh / 10_000;
  });
  const averages = periods.map(({ dimensions }, index) => {
    const energy = dimensions.find(({ type }) => type === "ENERGY");
    const length = (instants[index + 1] as number) - (instants[index] as number);
    const average = energy === undefined || length === 0 ? 0 : (Number(energy.volume) * HOUR) / length;
    return Number(average.toFixed(4));
  });
  return {
    times: clocks.map(({ milliseconds }) => {
      const minutes = Math.floor(milliseconds / 60_000);
      const two = (value: number) => String(value).padStart(2, "0");
      return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
    }),
    dates: clocks.map(({ date }) => date),
    weekdays: clocks.map(({ weekday }) => weekday),
    kwh: [0, ...kwh],
    seconds: instants.map((instant) => (instant - Date.parse(start_date_time)) / 1000),
    kW: [...volumes("POWER"), ...averages],
    amperes: [...volumes("CURRENT"), 16],
  };
}
