/** The readme of an export, in the languages of the documents. */

export interface ExportAbout {
  sessions: number;
  bills: number;
  readings: number;
  records: number;
  site: string;
  /** RFC 3339. */
  at: string;
}

export function readmeSv({ sessions, bills, readings, records, site, at }: ExportAbout): string {
  return `Uppgifter om dig på laddplatsen ${site}
Utskrivna ${at}

Det här är en kopia av de personuppgifter som laddplatsen har om ditt kort eller ditt laddkontrakt
(dataskyddsförordningen, artikel 15 och 20). Filerna går att läsa maskinellt; tider är i UTC.

subject.json          kortets nummer, när det först lästes, och de namn (pseudonymer) det har i systemet
sessions.json, .csv   laddningar: ${sessions} avslutade
bills.json, .csv      debiteringar: ${bills}
token-readings.json   läsningar av kortet vid laddstationerna: ${readings}
signed-records/       mätarens signerade värden, så som stationen skickade dem: ${records}

energy_wh är wattimmar. I CSV-filerna skiljer komman kolumnerna och punkten är decimaltecken.
Underlag för bokföring sparas så länge lagen kräver, även om övriga uppgifter raderas.
`;
}

export function readmeEn({ sessions, bills, readings, records, site, at }: ExportAbout): string {
  return `Data about you at the charging site ${site}
Exported ${at}

This is a copy of the personal data that the site has about your card or charging contract
(GDPR, articles 15 and 20). The files are machine-readable; times are UTC.

subject.json          the card's number, when it was first read, and the names (pseudonyms) it has in the system
sessions.json, .csv   charging sessions: ${sessions} ended
bills.json, .csv      bills: ${bills}
token-readings.json   readings of the card at the stations: ${readings}
signed-records/       signed values of the meter, as the station sent them: ${records}

energy_wh is in watt hours. In the CSV files commas separate columns and the decimal mark is a point.
What supports the books is kept as long as the law demands, also when other data is erased.
`;
}
