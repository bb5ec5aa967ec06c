/** Who speaks in the Kubernetes Events of binding. */
export const COMPONENT = 'persistentvolume-controller';

/** Set where the controller chose the partner; absent where somebody reserved it. */
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
/** Set on a claim that has been bound once: from then on it is bound or lost. */
export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
/** The provisioner that made a volume, and takes it away. */
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
/** Which provisioner is to make a volume for a claim; the first is the old name of the second. */
export const PROVISIONERS = ['volume.beta.kubernetes.io/storage-provisioner', 'volume.kubernetes.io/storage-provisioner'];
