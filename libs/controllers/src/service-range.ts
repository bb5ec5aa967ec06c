/** The nth address of an IPv4 range such as `10.96.0.0/16`, counted from its base. */
export function addressIn(cidr: string, nth: number): string {
  const [base = ''] = cidr.split('/');
  const value = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) + nth;
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
