/** What a report has a row for each of. */
export const REPORT_BYS = ["station", "evse", "group", "hour", "day", "week", "month"] as const;
export type ReportBy = (typeof REPORT_BYS)[number];
