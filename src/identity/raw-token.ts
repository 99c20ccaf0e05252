/** A credential as a station reads it: it goes no further than the door, the sealed store and who has a right to it. */
export interface RawToken {
  uid: string;
  type: string;
}
