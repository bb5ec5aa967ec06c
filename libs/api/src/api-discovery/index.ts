export {
  apiGroup,
  apiGroupDiscoveryList,
  apiGroupList,
  apiResourceList,
  apiVersions,
  storageVersionHash,
  type AggregatedGroupVersion,
  type ApiGroup,
  type ApiResource,
  type ApiResourceList,
} from './discovery.js';
export { groupsOf, resourcesOf, rootPath, servedOf, type GroupVersion, type PlacedGroupVersion } from './group-version.js';
