/** Colours and sizes on paper: those of the light style sheet. Points. */
import type { Style } from "./pdf-sheet.ts";

export const COLORS = {
  ink: "#17211c",
  soft: "#56635c",
  line: "#d5ddd8",
  accent: "#0b6b43",
  accentSoft: "#e8f3ed",
  warn: "#7a4a00",
  warnSoft: "#fdf3e1",
} as const;

export const TEXT = {
  title: { size: 25, weight: 600, color: COLORS.ink },
  heading: { size: 11.5, weight: 600, color: COLORS.accent },
  body: { size: 9.5, color: COLORS.ink },
  strong: { size: 9.5, weight: 600, color: COLORS.ink },
  soft: { size: 9.5, color: COLORS.soft },
  small: { size: 8.2, color: COLORS.soft },
  highlight: { size: 14, weight: 600, color: COLORS.ink },
  amount: { size: 17, weight: 600, color: COLORS.accent },
  total: { size: 12, weight: 600, color: COLORS.accent },
} as const satisfies Record<string, Style>;

export const LINE = { body: 13, small: 11 } as const;
