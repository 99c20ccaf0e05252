/** A linear program in compressed rows, as it crosses to the solver's thread: minimise `cost`, within bounds. */
export interface LinearProgram {
  cost: Float64Array;
  lower: Float64Array;
  upper: Float64Array;
  rowLower: Float64Array;
  rowUpper: Float64Array;
  /** Per row where its entries start; one more than rows. */
  starts: Int32Array;
  /** Per entry its column and its coefficient. */
  indices: Int32Array;
  values: Float64Array;
}

export interface Solution {
  /** Per column. */
  value: Float64Array;
  /** Per row, what one more unit of its bound would save. */
  rowDual: Float64Array;
}

/** Collects columns and rows; `rowUpper` rows only need what binds from above. */
export function createProgram() {
  const cost: number[] = [];
  const lower: number[] = [];
  const upper: number[] = [];
  const rowLower: number[] = [];
  const rowUpper: number[] = [];
  const starts: number[] = [0];
  const indices: number[] = [];
  const values: number[] = [];
  return {
    get columns(): number {
      return cost.length;
    },
    get rows(): number {
      return rowUpper.length;
    },
    column(price: number, from: number, to: number): number {
      cost.push(price);
      lower.push(from);
      upper.push(to);
      return cost.length - 1;
    },
    /** Adds to the row that the next `atMost` or `atLeast` closes. */
    entry(column: number, value: number): void {
      indices.push(column);
      values.push(value);
    },
    /** Closes the row: its entries are at most `bound`. The row's index. */
    atMost(bound: number): number {
      rowLower.push(Number.NEGATIVE_INFINITY);
      rowUpper.push(bound);
      starts.push(indices.length);
      return rowUpper.length - 1;
    },
    /** Lets the entries since the last row fall. */
    drop(): void {
      const from = starts[starts.length - 1] as number;
      indices.length = from;
      values.length = from;
    },
    done: (): LinearProgram => ({
      cost: Float64Array.from(cost),
      lower: Float64Array.from(lower),
      upper: Float64Array.from(upper),
      rowLower: Float64Array.from(rowLower),
      rowUpper: Float64Array.from(rowUpper),
      starts: Int32Array.from(starts),
      indices: Int32Array.from(indices),
      values: Float64Array.from(values),
    }),
  };
}

export type ProgramBuilder = ReturnType<typeof createProgram>;
