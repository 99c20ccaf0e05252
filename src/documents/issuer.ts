/** Who issues a document: the site, and the seller where the config names one. */
import type { Language } from "../rules/explain-texts.ts";
import { wordsOf } from "./texts.ts";
import type { Words } from "./words.ts";

export interface Seller {
  name: string;
  orgNo?: string | undefined;
  vatNo?: string | undefined;
  /** One line or several. */
  address?: string | undefined;
}

export interface Issuer {
  /** The site's name for people. */
  site: string;
  seller?: Seller;
}

/** Name first, then what identifies it. */
export function issuerLines({ site, seller }: Issuer, language: Language): string[] {
  const words = wordsOf(language);
  if (!seller) return [site];
  return [
    seller.name,
    ...(seller.address ?? "")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== ""),
    ...(seller.orgNo ? [words.orgNo(seller.orgNo)] : []),
    ...(seller.vatNo ? [words.vatNo(seller.vatNo)] : []),
    site,
  ];
}

/**
 * What a full VAT invoice has and this document lacks (Council Directive 2006/112/EC, Article 226): buyer and invoice
 * number always, because a gateway knows neither.
 */
export function missingForInvoice({ seller }: Issuer, { invoice }: Words): string[] {
  return [
    ...(seller ? [] : [invoice.seller]),
    ...(seller?.address ? [] : [invoice.sellerAddress]),
    ...(seller?.vatNo ? [] : [invoice.sellerVatNo]),
    invoice.buyer,
    invoice.serial,
  ];
}
