import { testAuthority, testCertificateRequest } from '#libs/testing';
import { pemBlocks } from './pem.js';
import { looksLikeCertificate, parseCertificateRequest } from './request.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('a certificate request', () => {
  it('is read as far as signers look at it', async () => {
    const { request } = await testCertificateRequest({
      commonName: 'system:node:a',
      organizations: ['system:nodes', 'others'],
      dnsNames: ['a.example.com'],
      ipAddresses: ['10.0.0.7', '2001:db8::1'],
    });
    expect(parseCertificateRequest(request)).toMatchObject({
      commonName: 'system:node:a',
      organizations: ['system:nodes', 'others'],
      dnsNames: ['a.example.com'],
      ipAddresses: ['10.0.0.7', '2001:db8::1'],
      emailAddresses: [],
      uris: [],
      signed: { algorithm: '1.2.840.10045.4.3.2' },
    });
  });

  it.each([
    ['no PEM', base64('hello')],
    ['no base64', '%%%'],
    ['PEM of another type', base64('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')],
  ])('that is %s is named by what it should be', (_, request) => {
    expect(parseCertificateRequest(request)).toBe('PEM block type must be CERTIFICATE REQUEST');
  });

  it.each([
    ['cut short', 'MIIB'],
    ['of no length', 'MIA='],
    ['something else', 'AgEB'],
  ])('whose DER is %s is refused', (_, der) => {
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${der}\n-----END CERTIFICATE REQUEST-----\n`;
    expect(parseCertificateRequest(base64(pem))).toMatch(/^asn1: structure error/);
  });
});

describe('a certificate', () => {
  it('is told from other bytes', async () => {
    const { cert } = await testAuthority();
    const [block] = pemBlocks(cert);
    expect(looksLikeCertificate(block?.bytes ?? new Uint8Array())).toBe(true);
    expect(looksLikeCertificate(Buffer.from('nothing'))).toBe(false);
  });
});
