/** The package of the models that every group shares. */
export const META_PACKAGE = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** The model of metadata. */
export const OBJECT_META = `${META_PACKAGE}.ObjectMeta`;

/** The model of lists' metadata. */
export const LIST_META = `${META_PACKAGE}.ListMeta`;
