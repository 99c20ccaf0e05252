/** What every language of a document must have words for. What the bill itself says is in rules (explain). */

export interface Words {
  receipt: string;
  creditNote: string;
  statement: string;
  energy: string;
  time: string;
  place: string;
  toPay: string;
  toCredit: string;
  sessions: string;
  orgNo: (no: string) => string;
  vatNo: (no: string) => string;
  session: {
    heading: string;
    station: string;
    site: string;
    start: string;
    end: string;
    zone: string;
    meter: (serial: string) => string;
    register: (from: string, to: string) => string;
    energy: string;
    token: string;
    group: string;
    noToken: string;
    id: string;
    credits: string;
    remark: string;
  };
  lines: {
    heading: string;
    creditHeading: string;
    caption: (currency: string, sums: string) => string;
    what: string;
    measured: string;
    billed: string;
    price: string;
    rate: string;
    net: string;
    vat: string;
    gross: string;
    total: string;
    lasted: (duration: string) => string;
    register: (serial: string, from: string, to: string) => string;
    interpolated: string;
    taxIncluded: string;
    none: string;
  };
  vat: {
    heading: string;
    caption: (currency: string) => string;
    rate: string;
    noRate: string;
    sum: string;
    rounding: string;
  };
  unbilled: { heading: string };
  attention: { heading: string };
  signed: {
    heading: string;
    meter: string;
    signature: string;
    verified: string;
    unverified: (reasons: string) => string;
    fingerprint: string;
    noKey: string;
    begin: string;
    end: string;
    value: (nature: string) => string;
    natures: { Start: string; End: string; Intermediate: string };
    sealed: (sha256: string) => string;
  };
  origin: {
    heading: string;
    tariff: string;
    tariffHash: string;
    cdr: string;
    cdrHash: string;
    rules: string;
    verify: string;
  };
  invoice: {
    heading: string;
    intro: string;
    seller: string;
    sellerAddress: string;
    sellerVatNo: string;
    buyer: string;
    serial: string;
  };
  month: {
    of: (month: string) => string;
    whole: string;
    group: (id: string) => string;
    token: (ref: string) => string;
    heading: (currency: string) => string;
    caption: (currency: string, zone: string) => string;
    cdr: string;
    ended: string;
    credit: (original: string) => string;
    vatHeading: (currency: string) => string;
    total: string;
    none: (month: string) => string;
    check: string;
    proof: string;
    hash: (sha256: string) => string;
  };
  footer: (id: string, hash: string) => string;
  page: (page: number, of: number) => string;
}
