export {
  apiGroup,
  apiGroupDiscoveryList,
  apiGroupList,
  apiResourceList,
  apiVersions,
  storageVersionHash,
  type ApiGroup,
  type ApiResource,
  type ApiResourceList,
} from './discovery.js';
export { groupsOf, resourcesOf, rootPath, servedOf, type GroupVersion } from './group-version.js';
