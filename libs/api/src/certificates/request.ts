import { formatIp, textOfBase64 } from '#libs/apimachinery';
import {
  BIT_STRING,
  elementsOf,
  expected,
  identifierText,
  INTEGER,
  MalformedDer,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
  SET,
  type DerElement,
} from './der.js';
import { pemBlocks } from './pem.js';

/** A signature and what it is of: whether it holds is for somebody with cryptography to say. */
export interface SignatureCheck {
  /** The signature's algorithm, an object identifier such as `1.2.840.113549.1.1.11`. */
  readonly algorithm: string;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}

/** A PKCS#10 certificate request, as far as signers look at it. */
export interface ParsedCertificateRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
  readonly signed: SignatureCheck;
}

const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const SUBJECT_ALTERNATIVE_NAMES = '2.5.29.17';
const ATTRIBUTES = 0xa0;
/** Context tags of GeneralName (RFC 5280 4.2.1.6). */
const EMAIL = 0x81;
const DNS = 0x82;
const URI = 0x86;
const IP = 0x87;
const BMP_STRING = 0x1e;

function textOf({ tag, content }: DerElement): string {
  if (tag === BMP_STRING) {
    let text = '';
    for (let i = 0; i + 1 < content.length; i += 2) text += String.fromCharCode((content[i] ?? 0) * 256 + (content[i + 1] ?? 0));
    return text;
  }
  return new TextDecoder().decode(content);
}

/** The attributes of a name, as pairs of an identifier and a text. */
const attributesOf = (name: DerElement): readonly (readonly [string, string])[] =>
  elementsOf(name.content).flatMap((relative) =>
    elementsOf(expected(relative, SET).content).map((pair): readonly [string, string] => {
      const [type, value] = elementsOf(expected(pair, SEQUENCE).content);
      if (!value) throw new MalformedDer('an attribute without a value');
      return [identifierText(expected(type, OBJECT_IDENTIFIER).content), textOf(value)];
    }),
  );

/** The names in the extension of alternative names; none where it is not asked for. */
function alternativeNames(attributes: DerElement | undefined): readonly DerElement[] {
  if (attributes?.tag !== ATTRIBUTES) return [];
  for (const attribute of elementsOf(attributes.content)) {
    const [type, values] = elementsOf(expected(attribute, SEQUENCE).content);
    if (identifierText(expected(type, OBJECT_IDENTIFIER).content) !== EXTENSION_REQUEST) continue;
    const [extensions] = elementsOf(expected(values, SET).content);
    for (const extension of elementsOf(expected(extensions, SEQUENCE).content)) {
      const parts = elementsOf(expected(extension, SEQUENCE).content);
      if (identifierText(expected(parts[0], OBJECT_IDENTIFIER).content) !== SUBJECT_ALTERNATIVE_NAMES) continue;
      const [names] = elementsOf(expected(parts.at(-1), OCTET_STRING).content);
      return elementsOf(expected(names, SEQUENCE).content);
    }
  }
  return [];
}

const addressText = (content: Uint8Array): string => {
  if (content.length !== 4 && content.length !== 16) throw new MalformedDer('an address of neither family');
  return formatIp({ family: content.length === 4 ? 4 : 6, bytes: [...content], mapped: false, leadingZeros: false });
};

/** Reads a request's DER. Throws MalformedDer. */
export function certificateRequestOf(der: Uint8Array): ParsedCertificateRequest {
  const [request, ...rest] = elementsOf(der);
  if (rest.length > 0) throw new MalformedDer('trailing data');
  const [info, algorithm, bits] = elementsOf(expected(request, SEQUENCE).content);
  const [version, subject, publicKey, attributes] = elementsOf(expected(info, SEQUENCE).content);
  expected(version, INTEGER);
  const pairs = attributesOf(expected(subject, SEQUENCE));
  const names = alternativeNames(attributes);
  const texts = (tag: number): readonly string[] => names.filter((name) => name.tag === tag).map(textOf);
  const [identifier] = elementsOf(expected(algorithm, SEQUENCE).content);
  return {
    commonName: pairs.findLast(([type]) => type === COMMON_NAME)?.[1] ?? '',
    organizations: pairs.filter(([type]) => type === ORGANIZATION).map(([, value]) => value),
    dnsNames: texts(DNS),
    emailAddresses: texts(EMAIL),
    uris: texts(URI),
    ipAddresses: names.filter(({ tag }) => tag === IP).map(({ content }) => addressText(content)),
    signed: {
      algorithm: identifierText(expected(identifier, OBJECT_IDENTIFIER).content),
      publicKey: expected(publicKey, SEQUENCE).whole,
      data: expected(info, SEQUENCE).whole,
      // The first byte of a bit string counts the bits that its last byte lacks.
      signature: expected(bits, BIT_STRING).content.subarray(1),
    },
  };
}

/** The request in `spec.request`, base64 of PEM; or why there is none, in upstream's words. */
export function parseCertificateRequest(base64: string | null): ParsedCertificateRequest | string {
  const [block] = pemBlocks(textOfBase64(base64 ?? '') ?? '');
  if (block?.type !== 'CERTIFICATE REQUEST') return 'PEM block type must be CERTIFICATE REQUEST';
  try {
    return certificateRequestOf(block.bytes);
  } catch (error) {
    if (error instanceof MalformedDer) return `asn1: structure error: ${error.message}`;
    throw error;
  }
}

/** Whether bytes look like an X.509 certificate: three parts, of the right kinds. */
export function looksLikeCertificate(der: Uint8Array): boolean {
  try {
    const [certificate] = elementsOf(der);
    const [info, algorithm, signature] = elementsOf(expected(certificate, SEQUENCE).content);
    expected(algorithm, SEQUENCE);
    expected(signature, BIT_STRING);
    return elementsOf(expected(info, SEQUENCE).content).length >= 6;
  } catch (error) {
    if (error instanceof MalformedDer) return false;
    throw error;
  }
}
